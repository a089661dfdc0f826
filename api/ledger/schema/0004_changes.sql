-- Projections follow changes of state, and nearly every event is an access, which changes none: a
-- replay must not read through them all. Costs an access nothing, since it is left out.

CREATE INDEX event_change ON event (seq) WHERE kind <> 'accessed';
