package conformance;

import static conformance.Areas.put;
import static conformance.Areas.putVersion;
import static conformance.Areas.read;
import static conformance.Box.refused;
import static conformance.Suite.content;
import static conformance.Suite.equal;
import static conformance.Suite.isTrue;
import static conformance.Suite.sameBytes;
import static conformance.Suite.sha1Hex;

import com.box.sdkgen.client.BoxClient;
import com.box.sdkgen.managers.fileversions.FileVersionsManager;
import com.box.sdkgen.managers.fileversions.PromoteFileVersionRequestBody;
import com.box.sdkgen.managers.fileversions.PromoteFileVersionRequestBodyTypeField;
import com.box.sdkgen.managers.fileversions.UpdateFileVersionByIdRequestBody;
import com.box.sdkgen.schemas.filefull.FileFull;
import com.box.sdkgen.schemas.fileversionfull.FileVersionFull;
import java.util.List;

/** Versions of a file: list, get, delete, restore, promote. */
final class Versions {
  private final Box box;
  private final BoxClient client;
  private final FileVersionsManager versions;

  Versions(Box box) {
    this.box = box;
    this.client = box.client;
    this.versions = client.getFileVersions();
  }

  void addTo(Suite suite) {
    suite.check("versions: list and get", this::list);
    suite.check("versions: delete and restore", this::delete);
    suite.check("versions: promote", this::promote);
  }

  private void list() throws Exception {
    FileFull file = put(client, box.folder.getId(), "versions.bin", content(40, 1000));
    String first = file.getFileVersion().getId();
    String second = putVersion(client, file.getId(), "versions.bin", content(41, 2000)).getFileVersion().getId();
    putVersion(client, file.getId(), "versions.bin", content(42, 3000));
    List<FileVersionFull> past = versions.getFileVersions(file.getId()).getEntries();
    equal(past.stream().map(FileVersionFull::getId).toList(), List.of(second, first), "the newest first");
    equal(past.get(1).getSha1() + past.get(1).getSize(), sha1Hex(content(40, 1000)) + 1000L, "sha1 and size");
    equal(versions.getFileVersionById(file.getId(), second).getSize(), 2000L, "got by id");
    refused(404, "not_found", () -> versions.getFileVersionById(file.getId(), "990017"));
  }

  private void delete() {
    FileFull file = put(client, box.folder.getId(), "version deleted.bin", content(43, 10));
    String first = file.getFileVersion().getId();
    putVersion(client, file.getId(), "version deleted.bin", content(44, 20));
    versions.deleteFileVersionById(file.getId(), first);
    FileVersionFull gone = versions.getFileVersionById(file.getId(), first);
    isTrue(gone.getTrashedAt() != null && gone.getTrashedBy() != null, "trashed_at and trashed_by");
    versions.updateFileVersionById(
        file.getId(), first, new UpdateFileVersionByIdRequestBody.Builder().trashedAt(null).build());
    FileVersionFull back = versions.getFileVersionById(file.getId(), first);
    isTrue(back.getTrashedAt() == null && back.getRestoredAt() != null, "restored_at");
  }

  private void promote() throws Exception {
    byte[] data = content(45, 1000);
    FileFull file = put(client, box.folder.getId(), "old name.bin", data);
    String first = file.getFileVersion().getId();
    putVersion(client, file.getId(), "new name.bin", content(46, 2000));
    FileVersionFull promoted =
        versions.promoteFileVersion(
            file.getId(),
            new PromoteFileVersionRequestBody.Builder()
                .id(first)
                .type(PromoteFileVersionRequestBodyTypeField.FILE_VERSION)
                .build());
    equal(promoted.getSha1() + promoted.getSize(), sha1Hex(data) + 1000L, "sha1 and size");
    FileFull got = client.getFiles().getFileById(file.getId());
    equal(
        List.of(got.getName(), got.getSize(), got.getFileVersion().getId()),
        List.of("old name.bin", 1000L, promoted.getId()),
        "the file");
    sameBytes(read(client, file.getId()), data, "content");
  }
}
