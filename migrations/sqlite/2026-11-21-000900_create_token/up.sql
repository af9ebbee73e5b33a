create table revoked_token (
  tenant text not null references tenant (tenant),
  token_id text not null,
  revoked_at bigint not null,
  expires_at bigint not null,
  primary key (tenant, token_id)
);

-- a secret that opens the door once; only its digest is kept
create table one_time_secret (
  tenant text not null references tenant (tenant),
  digest text not null,
  purpose text not null,
  created_at bigint not null,
  expires_at bigint not null,
  used_at bigint,
  primary key (tenant, digest)
);
