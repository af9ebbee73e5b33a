-- what the archive knew of the study when a version was first rendered; fixed from then on
create table report_evidence (
  tenant text not null references tenant (tenant),
  report text not null,
  version_id integer not null,
  digest text not null,
  created_at bigint not null,
  primary key (tenant, report, version_id)
);

create table rendition (
  tenant text not null references tenant (tenant),
  report text not null,
  version_id integer not null,
  twin text not null check (twin in ('fhir', 'dicom-sr', 'pdf', 'dicom-pdf', 'dicom-ko', 'txt')),
  digest text not null,
  sha256 text not null,
  size bigint not null,
  sop_class_uid text,
  sop_instance_uid text,
  losses text not null,
  created_at bigint not null,
  primary key (tenant, report, version_id, twin)
);

create table export_session (
  tenant text not null references tenant (tenant),
  id text not null,
  report text not null,
  version_id integer not null,
  twin text not null check (twin in ('fhir', 'dicom-sr', 'pdf')),
  status text not null check (status in ('initiated', 'processing', 'completed', 'failed')),
  progress integer not null,
  requested_by text not null,
  recipient blob,
  purpose blob,
  error text,
  attempts integer not null,
  downloads integer not null,
  created_at bigint not null,
  updated_at bigint not null,
  finished_at bigint,
  expires_at bigint,
  primary key (tenant, id)
);

create index export_session_by_time on export_session (tenant, created_at, id);
create index export_session_by_report on export_session (tenant, report, created_at);
create index export_session_by_expiry on export_session (expires_at) where expires_at is not null;
