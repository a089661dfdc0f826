-- What people wrote, apart from the log that can never forget: an event names its text by a digest
-- over a random salt and the words. The text is stored in the event's own transaction, and it can be
-- erased; then the digest tells nobody anything.

CREATE TABLE text (
  digest TEXT    PRIMARY KEY CHECK (length(digest) = 64),
  seq    INTEGER NOT NULL REFERENCES event (seq),
  salt   BLOB    NOT NULL CHECK (length(salt) >= 16),
  words  TEXT    NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX text_event ON text (seq);

CREATE TRIGGER text_belongs_to_an_event BEFORE INSERT ON text
WHEN NOT EXISTS (SELECT 1 FROM event WHERE seq = NEW.seq)
  OR EXISTS (SELECT 1 FROM text WHERE digest = NEW.digest)
BEGIN
  SELECT RAISE(ABORT, 'a text is stored once, with its event');
END;

CREATE TRIGGER text_is_never_updated BEFORE UPDATE ON text
BEGIN
  SELECT RAISE(ABORT, 'a text is erased or it stays as it was written');
END;

-- A citizen's words beside a record stand until she replaces or removes them, or leaves.
CREATE TRIGGER statement_ends_the_one_before AFTER INSERT ON event
WHEN NEW.kind IN ('statement_set', 'statement_removed')
BEGIN
  DELETE FROM text WHERE seq IN (
    SELECT seq FROM event WHERE subject = NEW.subject AND kind = 'statement_set'
      AND stream = NEW.stream AND seq < NEW.seq);
END;

CREATE TRIGGER withdrawal_ends_statements AFTER INSERT ON event
WHEN NEW.kind = 'withdrawn'
BEGIN
  DELETE FROM text WHERE seq IN (
    SELECT seq FROM event WHERE subject = NEW.subject AND kind = 'statement_set');
END;

-- Projections follow some kinds each: a run of the index for each of them, however many events of
-- other kinds lie between. Accesses change no state and are nearly all; they cost nothing here.
DROP INDEX event_change;

CREATE INDEX event_kind ON event (kind, seq) WHERE kind <> 'accessed';
