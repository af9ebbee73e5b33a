-- who keeps records here, and the keys that seal them (wrapped by the master key)
create table tenant (
  tenant text not null primary key,
  created_at bigint not null
);

create table tenant_key (
  tenant text not null references tenant (tenant),
  key_id text not null,
  purpose text not null check (purpose in ('data', 'cursor', 'token', 'audit')),
  wrapped bytea not null,
  created_at bigint not null,
  retired_at bigint,
  primary key (tenant, key_id)
);

-- what a site administrator sets while it runs: letterhead, delivery rules
create table tenant_setting (
  tenant text not null references tenant (tenant),
  name text not null,
  value bytea not null,
  version_id integer not null,
  updated_at bigint not null,
  primary key (tenant, name)
);
