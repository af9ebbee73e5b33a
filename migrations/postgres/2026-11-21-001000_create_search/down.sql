drop table search_state;
drop table search_composite;
drop table search_quantity;
drop table search_number;
drop table search_date;
drop table search_uri;
drop table search_reference;
drop table search_string;
drop table search_token;
drop table search_system;
drop table search_key;

create table resource_unnumbered (
  tenant text not null references tenant (tenant),
  resource_type text not null,
  logical_id text not null,
  version_id integer not null,
  last_updated bigint not null,
  deleted boolean not null,
  body bytea not null,
  primary key (tenant, resource_type, logical_id)
);

insert into resource_unnumbered (tenant, resource_type, logical_id, version_id, last_updated, deleted, body)
select tenant, resource_type, logical_id, version_id, last_updated, deleted, body from resource;

drop table resource;
alter table resource_unnumbered rename to resource;

create index resource_by_time on resource (tenant, resource_type, last_updated, logical_id);
