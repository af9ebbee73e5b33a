drop table change;
drop table resource_history;
drop table resource;
