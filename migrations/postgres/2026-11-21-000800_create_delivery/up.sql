create table peer (
  tenant text not null references tenant (tenant),
  name text not null,
  kind text not null check (kind in ('dimse', 'dicomweb', 'fhir', 'orthanc')),
  settings bytea not null,
  version_id integer not null,
  created_at bigint not null,
  updated_at bigint not null,
  primary key (tenant, name)
);

-- one rendition to one peer: the state is what the peer answered
create table delivery (
  tenant text not null references tenant (tenant),
  id text not null,
  report text not null,
  version_id integer not null,
  twin text not null check (twin in ('fhir', 'dicom-sr', 'pdf', 'dicom-pdf', 'dicom-ko', 'txt')),
  peer text not null,
  state text not null check (state in ('pending', 'sending', 'sent', 'sent-with-warning', 'refused', 'dead')),
  attempts integer not null,
  claimed_by text,
  sop_instance_uid text,
  answer text,
  next_attempt_at bigint,
  created_at bigint not null,
  updated_at bigint not null,
  finished_at bigint,
  primary key (tenant, id),
  unique (tenant, report, version_id, twin, peer)
);

create index delivery_by_time on delivery (tenant, created_at, id);
