use super::*;
use crate::base::Problems;

fn read(json: &str) -> PeerSettings {
    serde_json::from_str(json).expect("reads")
}

fn paths(problems: &Problems) -> Vec<&str> {
    problems.iter().map(|problem| problem.path.as_str()).collect()
}

#[test]
fn a_complete_peer_of_each_kind_has_no_problems() {
    for json in [
        r#"{"name":"pacs","kind":"dimse","host":"10.0.0.5","port":104,"called_ae_title":"PACS","formats":["dicom-sr","dicom-pdf"]}"#,
        r#"{"name":"archive","kind":"orthanc","url":"http://127.0.0.1:8042/","auth":{"type":"basic","username":"a","password":"b"}}"#,
        r#"{"name":"web","kind":"dicomweb","url":"https://pacs.example/dicom-web","auth":{"type":"bearer","token":"abc"}}"#,
        r#"{"name":"ehr","kind":"fhir","url":"https://ehr.example/fhir","formats":["fhir"],"auth":{"type":"client_credentials",
            "tokenUrl":"https://ehr.example/token","clientId":"c","clientSecret":"s","scopes":["system/*.cud"]}}"#,
    ] {
        assert_eq!(paths(&read(json).check()), Vec::<&str>::new(), "{json}");
    }
}

#[test]
fn every_wrong_field_is_named() {
    let problems = read(
        r#"{"name":"pacs","kind":"dimse","port":0,"url":"http://x/","tls":{},"formats":["fhir","docx"],
            "timeouts":{"connect_seconds":0}}"#,
    )
    .check();
    assert_eq!(
        paths(&problems),
        [
            "host",
            "called_ae_title",
            "url",
            "port",
            "tls.ca_file",
            "timeouts.connect_seconds",
            "formats[0]",
            "formats[1]"
        ]
    );
    let problems = read(
        r#"{"name":"ehr","kind":"fhir","url":"ftp://u:p@ehr.example/fhir?x=1#y","host":"h","auth":{"type":"client_credentials",
            "token_url":"http://ehr.example/token","client_id":"","client_secret":"***","private_key_pem":"k","scopes":["a b"]}}"#,
    )
    .check();
    assert_eq!(
        paths(&problems),
        [
            "host",
            "url",
            "url",
            "url",
            "auth.token_url",
            "auth.client_id",
            "auth.client_secret",
            "auth",
            "auth.scopes[0]"
        ]
    );
    assert!(!problems.to_string().contains("ehr.example"));
}

#[test]
fn unknown_fields_are_refused() {
    for json in [
        r#"{"name":"a","kind":"dimse","hots":"x"}"#,
        r#"{"name":"a","kind":"dimse","tls":{"insecure":true}}"#,
        r#"{"name":"a","kind":"fhir","auth":{"type":"basic","username":"a","password":"b","x":1}}"#,
        r#"{"name":"a","kind":"ftp"}"#,
        r#"{"name":"A b","kind":"dimse"}"#,
    ] {
        assert!(serde_json::from_str::<PeerSettings>(json).is_err(), "{json}");
    }
}

#[test]
fn secrets_show_only_in_the_sealed_form() {
    let settings = read(
        r#"{"name":"ehr","kind":"fhir","url":"https://ehr.example/fhir","tls":{"client_key_pem":"hidden-key"},
            "auth":{"type":"client_credentials","token_url":"https://ehr.example/token","client_id":"c","client_secret":"hidden-secret"}}"#,
    );
    let shown = serde_json::to_string(&settings).expect("serialises");
    assert!(!shown.contains("hidden") && !format!("{settings:?}").contains("hidden"));
    let sealed = settings.to_sealed_json();
    assert_eq!(PeerSettings::from_sealed_json(sealed.expose().as_bytes()), Ok(settings.clone()));
    let error = PeerSettings::from_sealed_json(b"{\"name\":\"hidden\"").expect_err("cut off");
    assert!(!error.to_string().contains("hidden"));
    let edited: PeerSettings = serde_json::from_str(&shown).expect("reads");
    assert!(!edited.check().is_empty(), "placeholders are no secrets");
    assert_eq!(edited.with_secrets_of(&settings), settings);
}
