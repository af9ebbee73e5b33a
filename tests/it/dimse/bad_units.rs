//! What is no DICOM, or none that may come now: each gets the A-ABORT that the standard has for it, and the
//! next caller is served.

use causeway::dicom::dimse::{AbortReason, Command, Pdu, element};

use super::peer;
use super::raw::{CT, Ended, Raw, request, unit, value};
use crate::support::{Backend, TestGateway};

#[test]
fn every_wrong_first_unit_is_answered() {
    crate::support::run(async {
        let gateway = TestGateway::new(&Backend::Sqlite).await;
        let good = request().to_bytes().expect("fits");
        let changed = |at: usize, byte: u8| {
            let mut bytes = good.clone();
            bytes[at] = byte;
            bytes
        };
        let first_context = good.iter().position(|byte| *byte == 0x20).expect("a context");
        let context_at = good.windows(8).position(|part| part[0] == 0x20 && part[1] == 0 && part[4] == 1);
        let context_at = context_at.unwrap_or(first_context);
        for (what, bytes, reason) in [
            ("HTTP", b"GET / HTTP/1.1\r\n\r\n".to_vec(), AbortReason::UNRECOGNIZED_PDU),
            ("a type that there is not", vec![9, 0, 0, 0, 0, 4, 0, 0, 0, 0], AbortReason::UNRECOGNIZED_PDU),
            ("data first", unit(&[value(1, 3, b"x")]), AbortReason::UNEXPECTED_PDU),
            ("release first", Pdu::RELEASE_REQUEST.to_vec(), AbortReason::UNEXPECTED_PDU),
            ("a request of 4 GiB", vec![1, 0, 0xFF, 0xFF, 0xFF, 0xFF], AbortReason::INVALID_PARAMETER),
            ("an empty request", vec![1, 0, 0, 0, 0, 0], AbortReason::INVALID_PARAMETER),
            ("an even context id", changed(context_at + 4, 2), AbortReason::INVALID_PARAMETER),
            ("an item beyond the end", changed(context_at + 3, 0xFF), AbortReason::INVALID_PARAMETER),
        ] {
            let mut raw = Raw::connect(gateway.dimse()).await;
            raw.send(&bytes).await;
            assert_eq!(raw.end().await, Ended::Abort(reason), "{what}");
        }
        let mut many = request();
        let context = many.contexts[0].clone();
        many.contexts =
            (0..200_u8).map(|id| causeway::dicom::dimse::ContextProposal { id, ..context.clone() }).collect();
        let mut raw = Raw::connect(gateway.dimse()).await;
        raw.send(&many.to_bytes().expect("fits")).await;
        assert_eq!(raw.end().await, Ended::Abort(AbortReason::INVALID_PARAMETER), "200 contexts");
        peer(&gateway).await.echo().await.expect("answered");
    });
}

#[test]
fn every_wrong_unit_of_an_association_is_answered() {
    crate::support::run(async {
        let gateway = TestGateway::new(&Backend::Sqlite).await;
        let echo = Command::echo_request(1).to_bytes();
        let class = super::uid(CT);
        let store = Command::store_request(1, &class, &super::uid("1.2.3")).to_bytes();
        let mut long = vec![4, 0];
        long.extend_from_slice(&131_073_u32.to_be_bytes());
        for (what, bytes, reason) in [
            ("data without a command", unit(&[value(1, 2, b"xx")]), AbortReason::UNEXPECTED_PDU),
            ("a context that was not accepted", unit(&[value(9, 3, &echo)]), AbortReason::INVALID_PARAMETER),
            ("no command", unit(&[value(1, 3, b"garbage!")]), AbortReason::INVALID_PARAMETER),
            ("a value beyond the end", vec![4, 0, 0, 0, 0, 6, 0, 0, 0, 90, 1, 3], AbortReason::INVALID_PARAMETER),
            ("a value of length 1", vec![4, 0, 0, 0, 0, 5, 0, 0, 0, 1, 1], AbortReason::INVALID_PARAMETER),
            (
                "a command within a data set",
                unit(&[value(3, 3, &store), value(3, 3, &echo)]),
                AbortReason::UNEXPECTED_PDU,
            ),
            ("contexts mixed", unit(&[value(3, 3, &store), value(1, 2, b"xx")]), AbortReason::UNEXPECTED_PDU),
            ("more than was announced", long, AbortReason::INVALID_PARAMETER),
            ("4 GiB", vec![4, 0, 0xFF, 0xFF, 0xFF, 0xFF], AbortReason::INVALID_PARAMETER),
            ("a second request", request().to_bytes().expect("fits"), AbortReason::UNEXPECTED_PDU),
            ("an answer to a release", Pdu::RELEASE_REPLY.to_vec(), AbortReason::UNEXPECTED_PDU),
            ("a type that there is not", vec![9, 0, 0, 0, 0, 0], AbortReason::UNRECOGNIZED_PDU),
        ] {
            let mut raw = Raw::associated(gateway.dimse()).await;
            raw.send(&bytes).await;
            assert_eq!(raw.end().await, Ended::Abort(reason), "{what}");
        }
        peer(&gateway).await.echo().await.expect("answered");
    });
}

#[test]
fn a_message_may_come_in_any_pieces() {
    crate::support::run(async {
        let gateway = TestGateway::new(&Backend::Sqlite).await;
        let mut raw = Raw::associated(gateway.dimse()).await;
        let echo = Command::echo_request(1).to_bytes();
        let last = echo.len() - 1;
        let control = |index: usize| if index == last { 3 } else { 1 };
        for (index, byte) in echo.iter().enumerate() {
            raw.send(&unit(&[value(1, control(index), &[*byte])])).await;
        }
        assert_eq!(raw.message().await.command.u16(element::STATUS), Some(0), "a unit for each byte");
        let values: Vec<_> = echo.iter().enumerate().map(|(index, byte)| value(1, control(index), &[*byte])).collect();
        raw.send(&unit(&values)).await;
        assert_eq!(raw.message().await.command.u16(element::STATUS), Some(0), "all in one unit");
        raw.send(&unit(&[])).await;
        for byte in unit(&[value(1, 1, &[]), value(1, 3, &echo)]) {
            raw.send(&[byte]).await;
        }
        assert_eq!(raw.message().await.command.u16(element::STATUS), Some(0), "a segment for each byte");
    });
}

#[test]
fn what_nobody_provides_is_an_unrecognized_operation() {
    crate::support::run(async {
        let gateway = TestGateway::new(&Backend::Sqlite).await;
        let mut raw = Raw::associated(gateway.dimse()).await;
        for (context, field) in [(1, 0x0110), (1, 0x0140), (1, 0x0020), (3, 0x0030), (1, 0x0001), (3, 0x7777)] {
            let command = Command::default()
                .with_uid(element::AFFECTED_SOP_CLASS, "1.2.3")
                .with_u16(element::COMMAND_FIELD, field)
                .with_u16(element::MESSAGE_ID, 5)
                .with_u16(element::DATA_SET_TYPE, 1);
            raw.send_message(context, &command, Some(&[0; 100])).await;
            let answer = raw.message().await.command;
            assert_eq!(answer.u16(element::STATUS), Some(0x0211), "{field:04X}");
            assert_eq!(answer.field(), Some(field | 0x8000));
        }
        let wrong = Command::default()
            .with_uid(element::AFFECTED_SOP_CLASS, CT)
            .with_u16(element::COMMAND_FIELD, 0x0030)
            .with_u16(element::MESSAGE_ID, 6)
            .with_u16(element::DATA_SET_TYPE, 0x0101);
        raw.send_message(1, &wrong, None).await;
        assert_eq!(raw.message().await.command.u16(element::STATUS), Some(0x0122), "another class than the context's");
        // Whatever this cancels has ended already.
        raw.send_message(1, &Command::cancel_request(5), None).await;
        raw.send_message(1, &Command::echo_request(8), None).await;
        assert_eq!(raw.message().await.command.u16(element::STATUS), Some(0));
    });
}
