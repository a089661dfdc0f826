-- What an event belongs to, beside whom it is about: one enrolment, one consent, one dispute. A
-- stream is the unit of a decision: whoever decides on its fold writes only if it has not moved.
-- A table is laid out anew because its rows may not be updated.

CREATE TABLE event_with_stream (
  seq     INTEGER PRIMARY KEY,
  at_ms   INTEGER NOT NULL CHECK (at_ms > 0),
  kind    TEXT    NOT NULL CHECK (length(kind) BETWEEN 1 AND 64),
  stream  TEXT    NOT NULL CHECK (length(stream) BETWEEN 3 AND 128 AND stream GLOB '?*:?*'),
  subject TEXT    NOT NULL CHECK (length(subject) BETWEEN 1 AND 64),
  body    TEXT    NOT NULL CHECK (json_valid(body)),
  -- A subject that is no pseudonym could never be scored, nor taken out again.
  CHECK (kind NOT IN ('enrolled', 'withdrawn')
    OR (length(subject) = 22 AND subject NOT GLOB '*[^A-Za-z0-9_-]*'
      AND stream = 'enrolment:' || subject))
) STRICT;

INSERT INTO event_with_stream (seq, at_ms, kind, stream, subject, body)
  SELECT seq, at_ms, kind, 'enrolment:' || subject, subject, body FROM event ORDER BY seq;

DROP TABLE event;

ALTER TABLE event_with_stream RENAME TO event;

-- The export reads enrolments in order of subject.
CREATE INDEX event_enrolment ON event (subject, seq) WHERE kind IN ('enrolled', 'withdrawn');

CREATE INDEX event_stream ON event (stream, seq);

-- Newest first of one citizen, some kinds only: one short run a kind.
CREATE INDEX event_subject ON event (subject, kind, seq);

CREATE TRIGGER event_is_never_updated BEFORE UPDATE ON event
BEGIN
  SELECT RAISE(ABORT, 'append-only: events are never updated');
END;

CREATE TRIGGER event_is_never_deleted BEFORE DELETE ON event
BEGIN
  SELECT RAISE(ABORT, 'append-only: events are never deleted');
END;

-- INSERT OR REPLACE deletes without firing the trigger above. This one stops it, and any gap:
-- the number of an event is its leaf's index plus one.
CREATE TRIGGER event_follows_the_last BEFORE INSERT ON event
WHEN NEW.seq IS NOT (SELECT coalesce(max(seq), 0) + 1 FROM event)
BEGIN
  SELECT RAISE(ABORT, 'append-only: events are numbered without gaps');
END;
