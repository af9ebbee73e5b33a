-- codes with the time of their resource, for searches by both: from the first moment to the last, until is exclusive
create table search_dated (
  key bigint not null,
  code text collate "C" not null,
  from_us bigint not null,
  resource_no bigint not null,
  until_us bigint not null,
  system bigint not null,
  primary key (key, code, from_us, resource_no, until_us, system)
);
