-- Events are facts: written once, never changed. State is a fold of them.

CREATE TABLE event (
  seq     INTEGER PRIMARY KEY,
  at_ms   INTEGER NOT NULL CHECK (at_ms > 0),
  kind    TEXT    NOT NULL CHECK (length(kind) BETWEEN 1 AND 64),
  subject TEXT    NOT NULL CHECK (length(subject) BETWEEN 1 AND 64),
  body    TEXT    NOT NULL CHECK (json_valid(body)),
  -- A subject that is no pseudonym could never be scored, nor taken out again.
  CHECK (kind NOT IN ('enrolled', 'withdrawn')
    OR (length(subject) = 22 AND subject NOT GLOB '*[^A-Za-z0-9_-]*'))
) STRICT;

-- The fold of one person's enrolment is one seek; the export reads it in order of subject.
CREATE INDEX event_enrolment ON event (subject, seq) WHERE kind IN ('enrolled', 'withdrawn');

CREATE TABLE idempotency (
  scope       TEXT    NOT NULL,
  key         TEXT    NOT NULL,
  fingerprint BLOB    NOT NULL,
  status      INTEGER NOT NULL,
  body        BLOB    NOT NULL,
  seq         INTEGER NOT NULL REFERENCES event (seq),
  PRIMARY KEY (scope, key)
) STRICT, WITHOUT ROWID;

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

CREATE TRIGGER idempotency_is_never_updated BEFORE UPDATE ON idempotency
BEGIN
  SELECT RAISE(ABORT, 'append-only: answers are never updated');
END;

CREATE TRIGGER idempotency_is_never_deleted BEFORE DELETE ON idempotency
BEGIN
  SELECT RAISE(ABORT, 'append-only: answers are never deleted');
END;

CREATE TRIGGER idempotency_is_never_replaced BEFORE INSERT ON idempotency
WHEN EXISTS (SELECT 1 FROM idempotency WHERE scope = NEW.scope AND key = NEW.key)
BEGIN
  SELECT RAISE(ABORT, 'append-only: answers are never replaced');
END;
