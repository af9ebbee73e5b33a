-- the report interface looks for reports and patients only
delete from idx_token where resource_type not in ('DiagnosticReport', 'Patient');
delete from idx_date where resource_type not in ('DiagnosticReport', 'Patient');
delete from idx_reference where resource_type not in ('DiagnosticReport', 'Patient');
