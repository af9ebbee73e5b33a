drop table audit_checkpoint;
drop table audit_seal;
drop table audit_event;
drop function refuse_audit_change();
