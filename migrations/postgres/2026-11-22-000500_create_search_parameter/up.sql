-- numbers that change: with the names of search parameters that have rows, and with what a tenant's index is made by,
-- which are the parameters and addresses below
create table search_catalog (
  tenant text not null primary key references tenant (tenant),
  names bigint not null,
  number bigint not null
);

-- search parameters of a tenant's own, beside those of R4; the definition is no patient data
create table search_parameter (
  tenant text not null references tenant (tenant),
  generation bigint not null,
  logical_id text not null,
  definition text not null,
  state text not null check (state in ('indexing', 'ready', 'removing')),
  primary key (tenant, generation)
);

-- addresses under which a tenant was ever served: absolute references that begin with one lead to its own resources
create table search_base (
  tenant text not null references tenant (tenant),
  base text not null,
  primary key (tenant, base)
);
