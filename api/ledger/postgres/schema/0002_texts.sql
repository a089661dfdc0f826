-- What people wrote, apart from the log that can never forget: as in the embedded ledger's schema.
-- A service that connects as another role needs GRANT SELECT, INSERT ON text as well; only whoever
-- runs `chengxin retention run` needs DELETE.

CREATE TABLE text (
  digest text   PRIMARY KEY CHECK (length(digest) = 64),
  -- No foreign key: to lock the event's row PostgreSQL asks for a right that nobody has.
  seq    bigint NOT NULL,
  salt   bytea  NOT NULL CHECK (length(salt) >= 16),
  words  text   NOT NULL
);

CREATE INDEX text_event ON text (seq);

CREATE FUNCTION require_event_of_text() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (SELECT 1 FROM event WHERE seq = NEW.seq) THEN
    RAISE EXCEPTION 'a text is stored with its event'
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END
$$;
CREATE TRIGGER text_belongs_to_an_event BEFORE INSERT ON text
  FOR EACH ROW EXECUTE FUNCTION require_event_of_text();
CREATE TRIGGER text_is_never_updated BEFORE UPDATE ON text
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- A citizen's words beside a record stand until she replaces or removes them, or leaves. With the
-- owner's rights: the role of the service may not delete by itself.
CREATE FUNCTION end_statements() RETURNS trigger LANGUAGE plpgsql
  SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
  DELETE FROM text WHERE seq IN (
    SELECT seq FROM event WHERE subject = NEW.subject AND kind = 'statement_set'
      AND (NEW.kind = 'withdrawn' OR stream = NEW.stream) AND seq < NEW.seq);
  RETURN NULL;
END
$$;
CREATE TRIGGER statements_end AFTER INSERT ON event
  FOR EACH ROW WHEN (NEW.kind IN ('statement_set', 'statement_removed', 'withdrawn'))
  EXECUTE FUNCTION end_statements();

ALTER TABLE text ENABLE ALWAYS TRIGGER text_belongs_to_an_event;
ALTER TABLE text ENABLE ALWAYS TRIGGER text_is_never_updated;
ALTER TABLE event ENABLE ALWAYS TRIGGER statements_end;

REVOKE UPDATE, TRUNCATE ON text FROM PUBLIC, CURRENT_USER;

-- Projections follow some kinds each: a run of the index for each of them.
DROP INDEX event_change;
CREATE INDEX event_kind ON event (kind, seq) WHERE kind <> 'accessed';
