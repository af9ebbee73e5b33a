-- what is gone was never looked at
select 1;
