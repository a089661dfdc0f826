-- Events are facts: written once, never changed. State is a fold of them. What each column may
-- hold is the same as in the embedded ledger's schema.
--
-- The owner makes these tables; a service that connects as another role needs
-- GRANT SELECT, INSERT ON event, idempotency and GRANT SELECT ON schema_version, nothing more.

CREATE TABLE event (
  seq     bigint PRIMARY KEY,
  at_ms   bigint NOT NULL CHECK (at_ms > 0),
  kind    text   NOT NULL CHECK (length(kind) BETWEEN 1 AND 64),
  stream  text   NOT NULL CHECK (length(stream) BETWEEN 3 AND 128 AND stream LIKE '_%:_%'),
  subject text   NOT NULL CHECK (length(subject) BETWEEN 1 AND 64),
  -- text, not json: a leaf of the tree is made of these very bytes
  body    text   NOT NULL CHECK (body::json IS NOT NULL),
  -- A subject that is no pseudonym could never be scored, nor taken out again.
  CHECK (kind NOT IN ('enrolled', 'withdrawn')
    OR (subject ~ '^[A-Za-z0-9_-]{22}$' AND stream = 'enrolment:' || subject))
);

-- Collation C: the order of bytes, as in the embedded ledger, whatever the server's language.
CREATE INDEX event_enrolment ON event (subject COLLATE "C", seq)
  WHERE kind IN ('enrolled', 'withdrawn');
-- Streams named after their citizen are found by her events.
CREATE INDEX event_stream ON event (stream COLLATE "C", seq)
  WHERE stream NOT LIKE 'access:%' AND stream NOT LIKE 'enrolment:%';
-- What projections follow: every event but the accesses, which are nearly all.
CREATE INDEX event_change ON event (seq) WHERE kind <> 'accessed';

CREATE INDEX event_subject ON event (subject, kind, seq);

CREATE TABLE idempotency (
  scope       text    NOT NULL,
  key         text    NOT NULL,
  fingerprint bytea   NOT NULL,
  status      integer NOT NULL,
  body        bytea   NOT NULL,
  seq         bigint  NOT NULL,
  PRIMARY KEY (scope, key)
);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'append-only: % of % is refused', lower(TG_OP), TG_TABLE_NAME
    USING ERRCODE = 'integrity_constraint_violation';
END
$$;

-- Also an ON CONFLICT DO UPDATE fires this one.
CREATE TRIGGER event_is_never_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON event
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER idempotency_is_never_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON idempotency
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- The number of an event is its leaf's index plus one. Looked at once a statement: the rows added
-- are as many as their numbers say, and begin after the last that was there.
CREATE FUNCTION require_next_seqs() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  first bigint; last bigint; many bigint;
BEGIN
  SELECT min(seq), max(seq), count(*) INTO first, last, many FROM added;
  IF many > 0 AND (last - first + 1 <> many OR first - 1
      <> (SELECT coalesce(max(seq), 0) FROM event WHERE seq < first)) THEN
    RAISE EXCEPTION 'append-only: events are numbered without gaps'
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NULL;
END
$$;
CREATE TRIGGER event_follows_the_last AFTER INSERT ON event REFERENCING NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION require_next_seqs();

-- Also in a session that replays another server's changes.
ALTER TABLE event ENABLE ALWAYS TRIGGER event_is_never_changed;
ALTER TABLE event ENABLE ALWAYS TRIGGER event_follows_the_last;
ALTER TABLE idempotency ENABLE ALWAYS TRIGGER idempotency_is_never_changed;

-- The owner too: what the triggers refuse, the rights refuse first.
REVOKE UPDATE, DELETE, TRUNCATE ON event, idempotency FROM PUBLIC, CURRENT_USER;
