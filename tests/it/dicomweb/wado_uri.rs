//! WADO-URI. PS3.18 §9.

use crate::each_backend;
use crate::support::{Backend, TestGateway};

use super::help::{Names, data_set, file, get, integrator, stow};

each_backend!(one_instance_comes_by_its_parameters);

async fn one_instance_comes_by_its_parameters(backend: Backend) {
    let gateway = TestGateway::new(&backend).await;
    let client = integrator(&gateway).await;
    let (ct, moving, report) =
        (file("images/CT_small.dcm"), file("images/examples_ybr_color.dcm"), file("sr/test-SR.dcm"));
    let document = file("sr/encapsulated_pdf.dcm");
    stow(&client, &[ct.clone(), moving.clone(), report.clone(), document.clone()]).await;
    let query = |file: &[u8], more: &str| {
        let Names { study, series, instance } = Names::of(file);
        format!("/wado?requestType=WADO&studyUID={study}&seriesUID={series}&objectUID={instance}{more}")
    };
    for (sent, more, media) in [
        (&ct, "", "image/jpeg"),
        (&ct, "&contentType=image/png", "image/png"),
        (&ct, "&rows=50&columns=50&windowCenter=40&windowWidth=400&region=0,0,0.5,0.5", "image/jpeg"),
        (&moving, "&frameNumber=2", "image/jpeg"),
        (&moving, "", "image/jpeg"),
        (&report, "", "text/html; charset=utf-8"),
        (&document, "", "application/pdf"),
    ] {
        let answer = get(&client, &query(sent, more), &[]).await.expect(200);
        assert_eq!(answer.must("content-type"), media, "{more}");
    }
    let whole = get(&client, &query(&ct, "&contentType=application/dicom"), &[]).await.expect(200);
    assert_eq!(whole.must("content-type"), "application/dicom; transfer-syntax=1.2.840.10008.1.2.1");
    assert_eq!(data_set(&whole.body), data_set(&ct));
    for (more, status) in [
        ("&contentType=application/dicom&windowCenter=1&windowWidth=2", 400),
        ("&contentType=application/dicom&transferSyntax=1.2.840.10008.1.2", 406),
        ("&transferSyntax=1.2.840.10008.1.2.1", 400),
        ("&contentType=video/mp4", 406),
        ("&frameNumber=1", 400),
        ("&windowCenter=1", 400),
        ("&anonymize=yes", 400),
        ("&unknown=1", 400),
    ] {
        assert_eq!(get(&client, &query(&ct, more), &[]).await.status, status, "{more}");
    }
    get(&client, &query(&moving, "&frameNumber=99"), &[]).await.expect(404);
    get(&client, "/wado?requestType=WADO&studyUID=1.2&seriesUID=1.3&objectUID=1.4", &[]).await.expect(404);
    get(&client, "/wado?requestType=WADO&studyUID=1.2&seriesUID=1.3", &[]).await.expect(400);
    get(&client, "/wado", &[]).await.expect(400);
}
