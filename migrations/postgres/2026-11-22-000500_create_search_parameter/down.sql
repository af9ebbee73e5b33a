drop table search_base;
drop table search_parameter;
alter table search_state drop column catalog;
alter table search_state drop column names;
