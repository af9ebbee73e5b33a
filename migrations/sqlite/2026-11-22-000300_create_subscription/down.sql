drop table subscription_event;
drop table subscription;
drop table feed;
alter table change drop column xid;
