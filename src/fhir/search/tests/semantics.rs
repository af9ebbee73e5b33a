use super::*;

fn encounter(period: &str) -> String {
    format!(r#"{{"resourceType":"Encounter","id":"1","period":{period}}}"#)
}

fn observed(date: &str) -> String {
    format!(r#"{{"resourceType":"Observation","id":"1","effectiveDateTime":"{date}"}}"#)
}

/// The prefixes with which a value matches, out of all.
fn prefixes(resource: &str, name: &str, value: &str) -> String {
    ["eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap"]
        .into_iter()
        .filter(|prefix| finds(resource, &format!("{name}={prefix}{value}")))
        .collect::<Vec<_>>()
        .join(" ")
}

#[test]
fn dates_compare_as_ranges() {
    // R4 search.html#date: what a day, a moment and a year are to one another.
    let cases = [
        (observed("2013-01-14T00:00:00Z"), "2013-01-14", "eq ge le ap"),
        (observed("2013-01-14T23:59:59Z"), "2013-01-14", "eq ge le ap"),
        (observed("2013-01-15T00:00:00Z"), "2013-01-14", "ne gt ge sa ap"),
        (observed("2013-01-13T23:59:59.999Z"), "2013-01-14", "ne lt le eb ap"),
        (observed("2013-01-14"), "2013-01-14T10:00:00Z", "ne gt lt ge le ap"),
        (observed("2013"), "2013-03", "ne gt lt ge le ap"),
        (observed("2025-12-31"), "2025-12-20", "ne gt ge sa"),
        // An offset moves the day.
        (observed("2013-01-14T23:30:00-05:00"), "2013-01-14", "ne gt ge sa ap"),
        // Seconds and milliseconds keep their width.
        (observed("2013-01-14T10:00:00Z"), "2013-01-14T10:00:00Z", "eq ge le ap"),
        (observed("2013-01-14T10:00:01Z"), "2013-01-14T10:00:00Z", "ne gt ge sa ap"),
        (observed("2013-01-14T10:00:00.250Z"), "2013-01-14T10:00:00Z", "eq ge le ap"),
    ];
    for (resource, value, expected) in cases {
        assert_eq!(prefixes(&resource, "date", value), expected, "{resource} {value}");
    }
}

#[test]
fn open_periods_reach_for_ever() {
    let cases = [
        (encounter(r#"{"start":"2013-01-10"}"#), "2013-01-14", "ne gt lt ge le ap"),
        (encounter(r#"{"start":"2013-01-20"}"#), "2013-01-14", "ne gt ge sa ap"),
        (encounter(r#"{"end":"2013-01-10"}"#), "2013-01-14", "ne lt le eb ap"),
        (encounter(r#"{"end":"2013-01-20"}"#), "2013-01-14", "ne gt lt ge le ap"),
        (encounter(r#"{"start":"2013-01-14","end":"2013-01-14"}"#), "2013-01-14", "eq ge le ap"),
        (encounter(r#"{"start":"2013-01-01","end":"2013-01-31"}"#), "2013-01", "eq ge le ap"),
    ];
    for (resource, value, expected) in cases {
        assert_eq!(prefixes(&resource, "date", value), expected, "{resource} {value}");
    }
}

#[test]
fn two_dates_make_a_window_and_a_plus_may_be_a_space() {
    let resource = observed("2024-01-15");
    assert!(finds(&resource, "date=ge2024-01-01&date=lt2024-02-01"));
    assert!(!finds(&resource, "date=ge2024-01-01&date=lt2024-01-15"));
    assert!(finds(&observed("2023-12-31T23:00:00Z"), "date=2024-01-01T00:00:00 01:00"));
    assert!(finds(&resource, "date=2023,2024-01,2025"));
}

#[test]
fn numbers_have_the_precision_of_their_digits() {
    let risk = |value: &str| {
        format!(r#"{{"resourceType":"RiskAssessment","id":"1","prediction":[{{"probabilityDecimal":{value}}}]}}"#)
    };
    let cases = [
        ("99.5", "100", "eq lt le eb ap"),
        ("100.5", "100", "ne gt ge sa ap"),
        ("100.4", "100", "eq gt ge sa ap"),
        ("100", "100", "eq ge le ap"),
        ("100.00", "100", "eq ge le ap"),
        ("100.004", "100.00", "eq gt ge sa ap"),
        ("100.005", "100.00", "ne gt ge sa ap"),
        ("104.9", "1e2", "eq gt ge sa ap"),
        ("105", "1e2", "ne gt ge sa ap"),
        ("110", "100", "ne gt ge sa ap"),
        ("111", "100", "ne gt ge sa"),
        ("-5.42", "-5.4", "eq lt le eb ap"),
    ];
    for (has, value, expected) in cases {
        assert_eq!(prefixes(&risk(has), "probability", value), expected, "{has} {value}");
    }
}

#[test]
fn quantities_compare_number_and_unit() {
    let observation = r#"{"resourceType":"Observation","id":"1","valueQuantity":{"value":5.4,"unit":"milligram",
        "system":"http://unitsofmeasure.org","code":"mg"}}"#;
    for found in
        ["5.4", "5.4|http://unitsofmeasure.org|mg", "5.4||mg", "5.4||milligram", "gt5|http://unitsofmeasure.org|", "5"]
    {
        assert!(finds(observation, &format!("value-quantity={found}")), "{found}");
    }
    for missed in ["5.5", "5.4|http://unitsofmeasure.org|g", "5.4||g", "5.4|http://other|mg", "gt5.4||mg"] {
        assert!(!finds(observation, &format!("value-quantity={missed}")), "{missed}");
    }
    let less = r#"{"resourceType":"Observation","id":"1","valueQuantity":{"value":5,"comparator":"<"}}"#;
    assert_eq!(prefixes(less, "value-quantity", "5"), "ne lt le eb ap");
}

#[test]
fn tokens_compare_system_and_code() {
    let report = r#"{"resourceType":"DiagnosticReport","id":"1","status":"final",
        "code":{"coding":[{"system":"http://loinc.org","code":"24627-2","display":"CT Thörax"},{"code":"bare"}],"text":"Chest CT"}}"#;
    for found in [
        "code=24627-2",
        "code=http://loinc.org|24627-2",
        "code=http://loinc.org|",
        "code=|bare",
        "code=nope,bare",
        "code:text=chest",
        "code:text=ct thorax",
        "code:not=24627-3",
        "status=final",
        "status=|final",
        "status=http://hl7.org/fhir/diagnostic-report-status|final",
        "category:not=LAB",
        "category:missing=true",
        "code:missing=false",
    ] {
        assert!(finds(report, found), "{found}");
    }
    for missed in [
        "code=24627-3",
        "code=|24627-2",
        "code=http://loinc.org|bare",
        "code=BARE",
        "code:text=thorax",
        "code:not=bare",
        "code:not=nope,bare",
        "status=http://loinc.org|final",
        "category=LAB",
        "category:missing=false",
    ] {
        assert!(!finds(report, missed), "{missed}");
    }
}

#[test]
fn identifiers_are_found_by_their_type() {
    let patient = r#"{"resourceType":"Patient","id":"1","identifier":[
        {"type":{"coding":[{"system":"v2","code":"MR"}]},"system":"s","value":"12|34"},{"system":"t","value":"56"}]}"#;
    assert!(finds(patient, r"identifier:of-type=v2|MR|12\|34"));
    assert!(!finds(patient, "identifier:of-type=v2|MR|56"));
    assert!(!finds(patient, r"identifier:of-type=v2|SS|12\|34"));
    assert!(finds(patient, r"identifier=s|12\|34"));
}

#[test]
fn studies_are_found_by_uids_in_both_forms() {
    let study = r#"{"resourceType":"ImagingStudy","id":"1","identifier":[{"system":"urn:dicom:uid","value":"urn:oid:1.2.3"}],
        "series":[{"uid":"1.2.3.4"}]}"#;
    for found in ["urn:dicom:uid|urn:oid:1.2.3", "urn:dicom:uid|1.2.3", "1.2.3", "urn:oid:1.2.3"] {
        assert!(finds(study, &format!("identifier={found}")), "{found}");
    }
    assert!(finds(study, "series=1.2.3.4") && finds(study, "series=urn:oid:1.2.3.4"));
    assert!(!finds(study, "identifier=1.2.4"));
}

#[test]
fn strings_ignore_case_and_accents_unless_they_are_to_be_exact() {
    let patient = r#"{"resourceType":"Patient","id":"1","name":[{"family":"Müller-Lüdenscheidt","given":["José"]}]}"#;
    for found in ["name=mull", "name=MÜLLER", "name=jose", "name:contains=ludensch", "family:exact=Müller-Lüdenscheidt"]
    {
        assert!(finds(patient, found), "{found}");
    }
    for missed in ["name=ludensch", "family:exact=müller-lüdenscheidt", "family:exact=Müller", "given=mull"] {
        assert!(!finds(patient, missed), "{missed}");
    }
}

#[test]
fn references_are_found_in_every_form() {
    let report = r#"{"resourceType":"DiagnosticReport","id":"1","subject":{"reference":"Patient/1/_history/2",
        "identifier":{"system":"s","value":"v"}},"basedOn":[{"reference":"https://other.example/fhir/ServiceRequest/5"}]}"#;
    for found in [
        "patient=1",
        "patient=Patient/1",
        "subject:Patient=1",
        "subject:Patient=Patient/1",
        "subject=https://gateway.example/fhir/Patient/1",
        "subject=Patient/1/_history/2",
        "subject:identifier=s|v",
        "based-on=https://other.example/fhir/ServiceRequest/5",
    ] {
        assert!(finds(report, found), "{found}");
    }
    for missed in [
        "patient=2",
        "subject=Group/1",
        "subject:Group=1",
        "subject=Patient/1/_history/3",
        "subject=https://other.example/fhir/Patient/1",
        "subject:identifier=s|w",
        "based-on=5",
    ] {
        assert!(!finds(report, missed), "{missed}");
    }
    let response =
        r#"{"resourceType":"QuestionnaireResponse","id":"1","questionnaire":"http://a.example/Questionnaire/x|1.0"}"#;
    assert!(finds(response, "questionnaire=http://a.example/Questionnaire/x"));
    assert!(finds(response, "questionnaire=http://a.example/Questionnaire/x|1.0"));
    assert!(!finds(response, "questionnaire=http://a.example/Questionnaire/x|2.0"));
}

#[test]
fn composites_match_within_one_component() {
    let pressure = r#"{"resourceType":"Observation","id":"1","code":{"coding":[{"code":"bp"}]},"component":[
        {"code":{"coding":[{"system":"http://loinc.org","code":"8480-6"}]},"valueQuantity":{"value":150,"unit":"mmHg"}},
        {"code":{"coding":[{"system":"http://loinc.org","code":"8462-4"}]},"valueQuantity":{"value":90,"unit":"mmHg"}}]}"#;
    assert!(finds(pressure, "component-code-value-quantity=http://loinc.org|8480-6$gt140"));
    assert!(finds(pressure, "combo-code-value-quantity=8462-4$90||mmHg"));
    assert!(!finds(pressure, "component-code-value-quantity=8462-4$gt140"));
    assert!(!finds(pressure, "code-value-quantity=8480-6$gt140"));
    assert!(finds(pressure, "component-code-value-quantity=8462-4$gt140,8480-6$gt140"));
    assert!(finds(pressure, "code-value-quantity:missing=true"));
}

#[test]
fn uris_compare_whole_or_from_their_beginning() {
    let value_set = r#"{"resourceType":"ValueSet","id":"1","url":"http://a.example/fhir/ValueSet/x"}"#;
    assert!(finds(value_set, "url=http://a.example/fhir/ValueSet/x"));
    assert!(finds(value_set, "url:below=http://a.example/fhir/"));
    assert!(finds(value_set, "url:above=http://a.example/fhir/ValueSet/x/_history/1"));
    assert!(!finds(value_set, "url=http://a.example/fhir/ValueSet/X"));
    assert!(!finds(value_set, "url:above=http://a.example/fhir/ValueSet"));
}

#[test]
fn chains_follow_references_both_ways() {
    let resources: Vec<_> = [
        r#"{"resourceType":"Patient","id":"p1","name":[{"family":"Ng"}],"managingOrganization":{"reference":"Organization/o"}}"#,
        r#"{"resourceType":"Patient","id":"p2","name":[{"family":"Oh"}]}"#,
        r#"{"resourceType":"Organization","id":"o","name":"North"}"#,
        r#"{"resourceType":"DiagnosticReport","id":"r1","subject":{"reference":"Patient/p1"},"result":[{"reference":"Observation/x"}]}"#,
        r#"{"resourceType":"DiagnosticReport","id":"r2","subject":{"reference":"Patient/p2"}}"#,
        r#"{"resourceType":"Observation","id":"x","status":"final","subject":{"reference":"Patient/p1"}}"#,
    ]
    .iter()
    .map(|text| index(&json(text)))
    .collect();
    assert_eq!(ids("DiagnosticReport?subject:Patient.name=ng", &resources), ["r1"]);
    assert_eq!(ids("DiagnosticReport?patient.organization.name=north", &resources), ["r1"]);
    assert_eq!(ids("DiagnosticReport?subject.name=oh", &resources), ["r2"]);
    assert_eq!(ids("DiagnosticReport?patient.organization:missing=true", &resources), ["r2"]);
    assert_eq!(ids("Patient?_has:DiagnosticReport:patient:result:missing=false", &resources), ["p1"]);
    assert_eq!(ids("Patient?_has:DiagnosticReport:patient:result.status=final", &resources), ["p1"]);
    assert_eq!(ids("Organization?_has:Patient:organization:_has:Observation:patient:status=final", &resources), ["o"]);
    assert_eq!(ids("?_id=p1,o", &resources), ["p1", "o"]);
    assert_eq!(ids("?_type=Patient,Organization&_id:not=p1", &resources), ["p2", "o"]);
}
