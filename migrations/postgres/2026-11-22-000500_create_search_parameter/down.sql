drop table search_base;
drop table search_parameter;
drop table search_catalog;
