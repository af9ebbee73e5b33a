-- one table per parameter type; dates are ranges, until exclusive
create table idx_token (
  tenant text not null,
  resource_type text not null,
  param text not null,
  value text not null,
  system text not null,
  logical_id text not null,
  primary key (tenant, resource_type, param, value, system, logical_id)
);

create index idx_token_by_resource on idx_token (tenant, resource_type, logical_id);

create table idx_date (
  tenant text not null,
  resource_type text not null,
  param text not null,
  from_us bigint not null,
  until_us bigint not null,
  logical_id text not null,
  primary key (tenant, resource_type, param, from_us, until_us, logical_id)
);

create index idx_date_by_resource on idx_date (tenant, resource_type, logical_id);

create table idx_reference (
  tenant text not null,
  resource_type text not null,
  param text not null,
  target_type text not null,
  target_id text not null,
  logical_id text not null,
  primary key (tenant, resource_type, param, target_id, target_type, logical_id)
);

create index idx_reference_by_resource on idx_reference (tenant, resource_type, logical_id);
