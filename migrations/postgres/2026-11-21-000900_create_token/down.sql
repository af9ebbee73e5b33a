drop table one_time_secret;
drop table revoked_token;
