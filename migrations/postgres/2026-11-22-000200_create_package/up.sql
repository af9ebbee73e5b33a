-- packages of implementation guides; what is in them is public, and not sealed
create table fhir_package (
  tenant text not null references tenant (tenant),
  name text not null,
  version text not null,
  canonical text not null,
  title text not null,
  digest text not null,
  added_at bigint not null,
  primary key (tenant, name, version)
);

-- their definitions; the body is compressed
create table fhir_definition (
  tenant text not null,
  package text not null,
  package_version text not null,
  resource_type text not null check (resource_type in ('StructureDefinition', 'ValueSet', 'CodeSystem', 'SearchParameter')),
  url text not null,
  version text not null,
  constrains text not null,
  size bigint not null,
  body bytea not null,
  primary key (tenant, package, package_version, resource_type, url, version),
  foreign key (tenant, package, package_version) references fhir_package (tenant, name, version)
);

create index fhir_definition_by_url on fhir_definition (tenant, resource_type, url);

-- what resources are checked against; nodes that know another generation look again
create table validation_state (
  tenant text not null primary key references tenant (tenant),
  generation bigint not null,
  policy text not null check (policy in ('off', 'warn', 'reject'))
);
