drop table validation_state;
drop table fhir_definition;
drop table fhir_package;
