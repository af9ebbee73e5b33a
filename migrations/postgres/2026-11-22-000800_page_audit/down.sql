drop table audit_unsealed;
drop index audit_event_recorded;
