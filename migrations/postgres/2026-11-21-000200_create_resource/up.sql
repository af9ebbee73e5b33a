-- FHIR resources: the current version of each; body is the exact JSON text, sealed
create table resource (
  tenant text not null references tenant (tenant),
  resource_type text not null,
  logical_id text not null,
  version_id integer not null,
  last_updated bigint not null,
  deleted boolean not null,
  body bytea not null,
  primary key (tenant, resource_type, logical_id)
);

create index resource_by_time on resource (tenant, resource_type, last_updated, logical_id);

-- earlier versions
create table resource_history (
  tenant text not null references tenant (tenant),
  resource_type text not null,
  logical_id text not null,
  version_id integer not null,
  last_updated bigint not null,
  deleted boolean not null,
  body bytea not null,
  primary key (tenant, resource_type, logical_id, version_id)
);

-- what happened to resources, in order; for readers, nothing tails it
create table change (
  seq bigint generated always as identity primary key,
  tenant text not null references tenant (tenant),
  resource_type text not null,
  logical_id text not null,
  version_id integer not null,
  interaction text not null check (interaction in ('create', 'update', 'delete')),
  changed_at bigint not null
);

create index change_by_resource on change (tenant, resource_type, logical_id, version_id);
create index change_by_type on change (tenant, resource_type, seq);
create index change_by_seq on change (tenant, seq);
