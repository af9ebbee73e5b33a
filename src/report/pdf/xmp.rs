//! The metadata packet: what the file says of itself (ISO 16684-1; ISO 19005-3 §6.6.2).

use crate::base::Timestamp;

/// What the packet and the information dictionary both say.
pub(super) struct Metadata {
    /// Title of the document; holds nothing that identifies the patient.
    pub(super) title: String,
    /// Who wrote the report.
    pub(super) author: String,
    /// BCP 47 tag.
    pub(super) language: String,
    /// `sha256:` and the content digest.
    pub(super) identifier: String,
    /// URI of the report, the same for all its versions.
    pub(super) document: String,
    /// URI of this version.
    pub(super) instance: String,
    /// Number of this version.
    pub(super) version: String,
    /// When this version was made.
    pub(super) date: Timestamp,
}

/// The program that writes the file.
pub(super) const PRODUCER: &str = concat!("Causeway ", env!("CARGO_PKG_VERSION"));

/// `dc:identifier` begins with this; the content digest follows.
pub(super) const DIGEST_SCHEME: &str = "sha256:";

impl Metadata {
    /// The date in the form of the information dictionary. ISO 32000-1 §7.9.4.
    pub(super) fn pdf_date(&self) -> String {
        let time = self.date.to_dicom_tm();
        format!("D:{}{}+00'00'", self.date.to_dicom_da(), time.get(..6).unwrap_or_default())
    }

    /// The date in the form of the packet, with the same precision.
    fn xmp_date(&self) -> String {
        let instant = self.date.to_fhir();
        format!("{}+00:00", instant.get(..19).unwrap_or_default())
    }

    /// The packet.
    pub(super) fn packet(&self) -> String {
        let date = self.xmp_date();
        let [title, author, language, identifier, document, instance, version] = [
            &self.title,
            &self.author,
            &self.language,
            &self.identifier,
            &self.document,
            &self.instance,
            &self.version,
        ]
        .map(|text| escaped(text));
        format!(
            r#"<?xpacket begin="{BYTE_ORDER_MARK}" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about="" xmlns:pdfaid="http://www.aiim.org/pdfa/ns/id/">
   <pdfaid:part>3</pdfaid:part>
   <pdfaid:conformance>B</pdfaid:conformance>
  </rdf:Description>
  <rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/">
   <dc:format>application/pdf</dc:format>
   <dc:identifier>{identifier}</dc:identifier>
   <dc:title><rdf:Alt><rdf:li xml:lang="x-default">{title}</rdf:li></rdf:Alt></dc:title>
   <dc:creator><rdf:Seq><rdf:li>{author}</rdf:li></rdf:Seq></dc:creator>
   <dc:language><rdf:Bag><rdf:li>{language}</rdf:li></rdf:Bag></dc:language>
  </rdf:Description>
  <rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/">
   <xmp:CreatorTool>{PRODUCER}</xmp:CreatorTool>
   <xmp:CreateDate>{date}</xmp:CreateDate>
   <xmp:ModifyDate>{date}</xmp:ModifyDate>
   <xmp:MetadataDate>{date}</xmp:MetadataDate>
  </rdf:Description>
  <rdf:Description rdf:about="" xmlns:xmpMM="http://ns.adobe.com/xap/1.0/mm/">
   <xmpMM:DocumentID>{document}</xmpMM:DocumentID>
   <xmpMM:InstanceID>{instance}</xmpMM:InstanceID>
   <xmpMM:VersionID>{version}</xmpMM:VersionID>
  </rdf:Description>
  <rdf:Description rdf:about="" xmlns:pdf="http://ns.adobe.com/pdf/1.3/">
   <pdf:Producer>{PRODUCER}</pdf:Producer>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="r"?>"#
        )
    }
}

/// The value of `dc:identifier` in a packet, if it has one.
pub(super) fn identifier_of(packet: &str) -> Option<&str> {
    let (_, rest) = packet.split_once("<dc:identifier>")?;
    rest.split_once("</dc:identifier>").map(|(value, _)| value.trim())
}

const BYTE_ORDER_MARK: char = '\u{feff}';

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
