create table blob (
  tenant text not null references tenant (tenant),
  digest text not null,
  size bigint not null,
  created_at bigint not null,
  primary key (tenant, digest)
);

-- a blob without a reference is swept after a time of grace
create table blob_ref (
  tenant text not null,
  digest text not null,
  owner_kind text not null,
  owner_id text not null,
  primary key (tenant, digest, owner_kind, owner_id),
  foreign key (tenant, digest) references blob (tenant, digest)
);

create index blob_ref_by_owner on blob_ref (tenant, owner_kind, owner_id);
