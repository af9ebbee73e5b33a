-- a number for each resource, by which the index knows it
create table resource_numbered (
  no bigint generated always as identity primary key,
  tenant text not null references tenant (tenant),
  resource_type text not null,
  logical_id text not null,
  version_id integer not null,
  last_updated bigint not null,
  deleted boolean not null,
  body bytea not null,
  unique (tenant, resource_type, logical_id)
);

insert into resource_numbered (tenant, resource_type, logical_id, version_id, last_updated, deleted, body)
select tenant, resource_type, logical_id, version_id, last_updated, deleted, body from resource
order by last_updated, tenant, resource_type, logical_id;

drop table resource;
alter table resource_numbered rename to resource;

create index resource_by_time on resource (tenant, resource_type, last_updated, logical_id);

-- names of search parameters: a number for each tenant, type and parameter, so that a row of the index says all
-- three in one
create table search_key (
  no bigint generated always as identity primary key,
  tenant text not null references tenant (tenant),
  resource_type text not null,
  param text not null,
  unique (tenant, resource_type, param)
);

-- URIs of code systems and of systems of identifiers; 0 stands for none
create table search_system (
  no bigint generated always as identity primary key,
  tenant text not null references tenant (tenant),
  uri text not null,
  unique (tenant, uri)
);

-- one table per form of value
create table search_token (
  key bigint not null,
  code text collate "C" not null,
  resource_no bigint not null,
  system bigint not null,
  primary key (key, code, resource_no, system)
);

create table search_string (
  key bigint not null,
  folded text collate "C" not null,
  exact text collate "C" not null,
  resource_no bigint not null,
  primary key (key, folded, exact, resource_no)
);

create table search_reference (
  key bigint not null,
  target_id text collate "C" not null,
  resource_no bigint not null,
  target_type text collate "C" not null,
  version text collate "C" not null,
  primary key (key, target_id, resource_no, target_type, version)
);

create table search_uri (
  key bigint not null,
  uri text collate "C" not null,
  version text collate "C" not null,
  resource_no bigint not null,
  primary key (key, uri, version, resource_no)
);

-- until is exclusive
create table search_date (
  key bigint not null,
  resource_no bigint not null,
  from_us bigint not null,
  until_us bigint not null,
  primary key (key, resource_no, from_us, until_us)
);

create index search_date_by_time on search_date (key, from_us, until_us, resource_no);

create table search_number (
  key bigint not null,
  low double precision not null,
  high double precision not null,
  resource_no bigint not null,
  primary key (key, low, high, resource_no)
);

create table search_quantity (
  key bigint not null,
  code text collate "C" not null,
  low double precision not null,
  high double precision not null,
  system bigint not null,
  unit text collate "C" not null,
  resource_no bigint not null,
  primary key (key, code, low, high, system, unit, resource_no)
);

-- a combination of the components of one element: texts and ranges in the order of the components
create table search_composite (
  key bigint not null,
  text1 text collate "C" not null,
  system1 bigint not null,
  text2 text collate "C" not null,
  system2 bigint not null,
  unit text collate "C" not null,
  low1 double precision not null,
  high1 double precision not null,
  low2 double precision not null,
  high2 double precision not null,
  resource_no bigint not null,
  primary key (key, text1, text2, low1, high1, low2, high2, system1, system2, unit, resource_no)
);

-- which form of the index a tenant's rows have; they are made anew if it is not the program's
create table search_state (
  tenant text not null primary key references tenant (tenant),
  generation integer not null
);
