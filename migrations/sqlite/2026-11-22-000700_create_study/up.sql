-- studies as queries see them; names are folded, empty texts stand for no value, dates and times are normal forms
create table dicom_study (
  no integer primary key autoincrement,
  tenant text not null references tenant (tenant),
  study_uid text not null,
  patient_id text not null,
  issuer text not null,
  patient_name text not null,
  patient_ideographic text not null,
  patient_phonetic text not null,
  patient_words text not null,
  birth_date text not null,
  sex text not null,
  study_date text not null,
  study_time text not null,
  accession text not null,
  study_id text not null,
  description text not null,
  referring_name text not null,
  referring_ideographic text not null,
  referring_phonetic text not null,
  referring_words text not null,
  series bigint not null,
  instances bigint not null,
  created_at bigint not null,
  changed_at bigint not null,
  attributes blob not null,
  unique (tenant, study_uid)
);

create index dicom_study_by_time on dicom_study (tenant, study_date desc, study_time desc, study_uid);
create index dicom_study_by_patient on dicom_study (tenant, patient_id, issuer);
create index dicom_study_by_name on dicom_study (tenant, patient_name);
create index dicom_study_by_ideographic on dicom_study (tenant, patient_ideographic) where patient_ideographic <> '';
create index dicom_study_by_phonetic on dicom_study (tenant, patient_phonetic) where patient_phonetic <> '';
create index dicom_study_by_accession on dicom_study (tenant, accession);

-- a series without a number has the greatest one, so that it comes last
create table dicom_series (
  no integer primary key autoincrement,
  tenant text not null,
  study_no bigint not null references dicom_study (no),
  series_uid text not null,
  modality text not null,
  number bigint not null,
  description text not null,
  body_part text not null,
  institution text not null,
  step_date text not null,
  step_time text not null,
  instances bigint not null,
  created_at bigint not null,
  attributes blob not null,
  unique (study_no, series_uid)
);

create index dicom_series_by_uid on dicom_series (tenant, series_uid);

-- items of the Request Attributes Sequence of a series
create table dicom_request (
  series_no bigint not null references dicom_series (no),
  step_id text not null,
  procedure_id text not null,
  primary key (series_no, step_id, procedure_id)
) without rowid;

-- instances; -1 stands for no number of frames, rows and columns and no pixel data, the greatest number for none
create table dicom_instance (
  no integer primary key autoincrement,
  tenant text not null,
  series_no bigint not null references dicom_series (no),
  instance_uid text not null,
  class_uid text not null,
  number bigint not null,
  transfer_syntax text not null,
  digest text not null,
  size bigint not null,
  data_set_digest text not null,
  data_set_offset bigint not null,
  pixel_data_offset bigint not null,
  frames bigint not null,
  pixel_rows bigint not null,
  pixel_columns bigint not null,
  flaws text not null,
  received_at bigint not null,
  metadata blob not null,
  unique (tenant, instance_uid)
);

create index dicom_instance_by_series on dicom_instance (series_no, number, instance_uid);

-- what another instance of the same UID has taken the place of
create table dicom_replaced (
  tenant text not null references tenant (tenant),
  instance_uid text not null,
  digest text not null,
  data_set_digest text not null,
  size bigint not null,
  transfer_syntax text not null,
  received_at bigint not null,
  replaced_at bigint not null,
  primary key (tenant, instance_uid, digest)
);
