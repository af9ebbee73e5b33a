-- What the planner is to think of studies, as for a hundred thousand of them (sqlite.org/optoverview.html): without
-- it, it goes along all studies of a tenant in their order to find those of a patient.
analyze sqlite_schema;
delete from sqlite_stat1 where tbl = 'dicom_study';
insert into sqlite_stat1 (tbl, idx, stat) values
  ('dicom_study', 'sqlite_autoindex_dicom_study_1', '100000 100000 1'),
  ('dicom_study', 'dicom_study_by_time', '100000 100000 50 2 1'),
  ('dicom_study', 'dicom_study_by_patient', '100000 100000 5 5'),
  ('dicom_study', 'dicom_study_by_name', '100000 100000 5'),
  ('dicom_study', 'dicom_study_by_ideographic', '10000 10000 5'),
  ('dicom_study', 'dicom_study_by_phonetic', '10000 10000 5'),
  ('dicom_study', 'dicom_study_by_accession', '100000 100000 2');
