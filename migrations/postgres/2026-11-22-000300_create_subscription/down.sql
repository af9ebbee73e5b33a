drop table subscription_event;
drop table subscription;
drop table feed;
drop index change_by_xid;
alter table change drop column xid;
