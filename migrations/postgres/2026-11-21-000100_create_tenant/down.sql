drop table tenant_setting;
drop table tenant_key;
drop table tenant;
