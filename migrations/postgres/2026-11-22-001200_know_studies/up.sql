-- The planner looks at studies again when some hundreds have come, not when a tenth has: plans for few are slow for many.
alter table dicom_study set (autovacuum_analyze_scale_factor = 0.02, autovacuum_analyze_threshold = 500);
