drop table idx_reference;
drop table idx_date;
drop table idx_token;
