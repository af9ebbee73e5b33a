drop table delivery;
drop table peer;
