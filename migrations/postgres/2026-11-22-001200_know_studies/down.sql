alter table dicom_study reset (autovacuum_analyze_scale_factor, autovacuum_analyze_threshold);
