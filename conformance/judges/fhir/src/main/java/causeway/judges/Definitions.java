package causeway.judges;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;

import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.hl7.fhir.common.hapi.validation.support.PrePopulatedValidationSupport;
import org.hl7.fhir.instance.model.api.IBaseResource;
import org.hl7.fhir.r4.model.MetadataResource;
import org.hl7.fhir.r4.model.StructureDefinition;

import ca.uhn.fhir.context.FhirContext;

/** Fills a validation support with the definitions of a package and of directories. */
final class Definitions {
    private static final Set<String> KINDS = Set.of("StructureDefinition", "CodeSystem", "ValueSet");

    private final FhirContext context;
    private final PrePopulatedValidationSupport support;

    Definitions(FhirContext context) {
        this.context = context;
        this.support = new PrePopulatedValidationSupport(context);
    }

    PrePopulatedValidationSupport support() {
        return support;
    }

    /** Reads a FHIR NPM package: a gzipped tar whose definitions are {@code package/*.json}. */
    void addPackage(Path path) throws IOException {
        try (InputStream file = new BufferedInputStream(Files.newInputStream(path));
                TarArchiveInputStream tar = new TarArchiveInputStream(new GZIPInputStream(file))) {
            for (TarArchiveEntry entry = tar.getNextEntry(); entry != null; entry = tar.getNextEntry()) {
                if (isDefinition(entry.getName())) {
                    add(new String(tar.readAllBytes(), StandardCharsets.UTF_8));
                }
            }
        }
    }

    /** Reads every {@code *.json} file of a directory. */
    void addDirectory(Path directory) throws IOException {
        try (Stream<Path> entries = Files.list(directory)) {
            List<Path> files = entries.filter(path -> path.toString().endsWith(".json")).sorted().toList();
            for (Path path : files) {
                add(Files.readString(path));
            }
        }
    }

    private static boolean isDefinition(String name) {
        int slash = name.lastIndexOf('/');
        return name.startsWith("package/") && slash == "package".length() && name.endsWith(".json")
                && KINDS.stream().anyMatch(kind -> name.startsWith(kind + "-", slash + 1));
    }

    private void add(String json) {
        IBaseResource resource = context.newJsonParser().parseResource(json);
        if (!(resource instanceof MetadataResource definition) || !KINDS.contains(definition.fhirType())) {
            throw new IllegalArgumentException("not a definition: " + resource.fhirType());
        }
        if (definition instanceof StructureDefinition structure) {
            support.addStructureDefinition(structure);
        } else {
            support.addResource(definition);
        }
    }
}
