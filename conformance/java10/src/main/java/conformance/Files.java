package conformance;

import static conformance.Areas.mkdir;
import static conformance.Areas.names;
import static conformance.Areas.put;
import static conformance.Areas.putVersion;
import static conformance.Areas.read;
import static conformance.Areas.statusOf;
import static conformance.Areas.tick;
import static conformance.Box.refused;
import static conformance.Suite.content;
import static conformance.Suite.equal;
import static conformance.Suite.isTrue;
import static conformance.Suite.sameBytes;
import static conformance.Suite.sha1Hex;

import com.box.sdkgen.client.BoxClient;
import com.box.sdkgen.managers.downloads.DownloadFileHeaders;
import com.box.sdkgen.managers.downloads.DownloadFileQueryParams;
import com.box.sdkgen.managers.files.CopyFileRequestBody;
import com.box.sdkgen.managers.files.CopyFileRequestBodyParentField;
import com.box.sdkgen.managers.files.FilesManager;
import com.box.sdkgen.managers.files.GetFileByIdHeaders;
import com.box.sdkgen.managers.files.GetFileByIdQueryParams;
import com.box.sdkgen.managers.files.GetFileThumbnailByIdExtension;
import com.box.sdkgen.managers.files.GetFileThumbnailByIdQueryParams;
import com.box.sdkgen.managers.files.GetFileThumbnailUrlExtension;
import com.box.sdkgen.managers.files.UpdateFileByIdHeaders;
import com.box.sdkgen.managers.files.UpdateFileByIdQueryParams;
import com.box.sdkgen.managers.files.UpdateFileByIdRequestBody;
import com.box.sdkgen.managers.files.UpdateFileByIdRequestBodyLockAccessField;
import com.box.sdkgen.managers.files.UpdateFileByIdRequestBodyLockField;
import com.box.sdkgen.managers.files.UpdateFileByIdRequestBodyParentField;
import com.box.sdkgen.schemas.filefull.FileFull;
import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.time.temporal.ChronoUnit;
import java.util.List;
import javax.imageio.ImageIO;

/** Files: get, update, move, copy, lock, thumbnails, representations, downloads. */
final class Files {
  private final BoxClient client;
  private final FilesManager files;
  private final String here;

  Files(Box box) {
    this.client = box.client;
    this.files = client.getFiles();
    this.here = box.folder.getId();
  }

  void addTo(Suite suite) {
    suite.check("files: Standard and Full fields", this::fields);
    suite.check("files: update and If-Match", this::update);
    suite.check("files: move", this::move);
    suite.check("files: copy", this::copy);
    suite.check("files: lock and unlock", this::lock);
    suite.check("files: thumbnails", this::thumbnails);
    suite.check("files: representations", this::representations);
    suite.check("downloads: whole, in ranges, of a version, by URL", this::downloads);
  }

  private static UpdateFileByIdRequestBody.Builder changes() {
    return new UpdateFileByIdRequestBody.Builder();
  }

  private FileFull get(String id, String... fields) {
    return files.getFileById(id, new GetFileByIdQueryParams.Builder().fields(List.of(fields)).build());
  }

  private void fields() {
    FileFull made = put(client, here, "fielded.TAR.gz", content(20, 4321));
    FileFull got = files.getFileById(made.getId());
    equal(
        List.of(got.getName(), got.getSize(), got.getEtag(), got.getSequenceId(), got.getItemStatus().getValue()),
        List.of("fielded.TAR.gz", 4321L, "0", "0", "active"),
        "Standard fields");
    isTrue(got.getPermissions() == null && got.getTags() == null, "Full fields unasked");
    FileFull full = get(made.getId(), "extension", "version_number", "permissions", "tags", "is_externally_owned");
    equal(
        List.of(full.getExtension(), full.getVersionNumber(), full.getTags(), full.getIsExternallyOwned()),
        List.of("gz", "1", List.of(), false),
        "Full fields");
    isTrue(full.getPermissions().getCanDownload() && full.getPermissions().getCanRename(), "permissions");
  }

  private void update() throws Exception {
    FileFull made = put(client, here, "before.txt");
    tick();
    FileFull renamed =
        files.updateFileById(made.getId(), changes().name("after.txt").description("Updated").tags(List.of("one")).build());
    equal(
        List.of(renamed.getName(), renamed.getDescription(), renamed.getEtag(), renamed.getSha1()),
        List.of("after.txt", "Updated", "1", made.getSha1()),
        "changed");
    isTrue(renamed.getModifiedAt().isAfter(made.getModifiedAt()), "modified_at");
    equal(get(made.getId(), "tags").getTags(), List.of("one"), "tags");
    UpdateFileByIdHeaders stale = new UpdateFileByIdHeaders.Builder().ifMatch("7").build();
    refused(412, "precondition_failed", () -> files.updateFileById(made.getId(), changes().name("x").build(), stale));
    put(client, here, "occupied.txt");
    refused(409, "item_name_in_use", () -> files.updateFileById(made.getId(), changes().name("Occupied.txt").build()));
    files.deleteFileById(made.getId());
    equal(files.getFileById(made.getId()).getItemStatus().getValue(), "trashed", "item_status once deleted");
  }

  private void move() {
    String to = mkdir(client, here, "moved to").getId();
    FileFull made = put(client, here, "mover.txt");
    FileFull moved =
        files.updateFileById(
            made.getId(),
            changes().parent(new UpdateFileByIdRequestBodyParentField.Builder().id(to).build()).name("moved.txt").build());
    equal(List.of(moved.getId(), moved.getParent().getId(), moved.getName()), List.of(made.getId(), to, "moved.txt"), "moved");
    equal(names(client.getFolders().getFolderItems(to).getEntries()), List.of("moved.txt"), "where it is");
  }

  private void copy() throws Exception {
    byte[] first = content(21, 2222);
    byte[] second = content(22, 3333);
    FileFull made = put(client, here, "origin.bin", first);
    putVersion(client, made.getId(), "origin.bin", second);
    CopyFileRequestBodyParentField there = new CopyFileRequestBodyParentField(here);
    FileFull copy = files.copyFile(made.getId(), new CopyFileRequestBody.Builder(there).name("copy.bin").build());
    equal(List.of(copy.getName(), copy.getEtag(), copy.getSha1()), List.of("copy.bin", "0", sha1Hex(second)), "the copy");
    sameBytes(read(client, copy.getId()), second, "content of the copy");
    FileFull old =
        files.copyFile(
            made.getId(),
            new CopyFileRequestBody.Builder(there).name("old.bin").version(made.getFileVersion().getId()).build());
    sameBytes(read(client, old.getId()), first, "content of a copy of a version");
    refused(409, "item_name_in_use", () -> files.copyFile(made.getId(), new CopyFileRequestBody(there)));
  }

  private void lock() {
    FileFull made = put(client, here, "locked.txt");
    OffsetDateTime expires = OffsetDateTime.now(ZoneOffset.UTC).plusHours(1).truncatedTo(ChronoUnit.SECONDS);
    UpdateFileByIdQueryParams asked = new UpdateFileByIdQueryParams.Builder().fields(List.of("lock")).build();
    UpdateFileByIdRequestBodyLockField lock =
        new UpdateFileByIdRequestBodyLockField.Builder()
            .access(UpdateFileByIdRequestBodyLockAccessField.LOCK)
            .expiresAt(expires)
            .isDownloadPrevented(true)
            .build();
    FileFull locked = files.updateFileById(made.getId(), changes().lock(lock).build(), asked);
    equal(
        List.of(locked.getLock().getExpiredAt().toInstant(), locked.getLock().getIsDownloadPrevented(), locked.getEtag()),
        List.of(expires.toInstant(), true, made.getEtag()),
        "the lock");
    isTrue(files.updateFileById(made.getId(), changes().lock(null).build(), asked).getLock() == null, "unlocked");
  }

  private static byte[] png(int width, int height) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ImageIO.write(new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB), "png", out);
    return out.toByteArray();
  }

  private void thumbnails() throws Exception {
    FileFull picture = put(client, here, "picture.png", png(640, 480));
    GetFileThumbnailByIdQueryParams size =
        new GetFileThumbnailByIdQueryParams.Builder().minWidth(64L).minHeight(64L).maxWidth(128L).maxHeight(128L).build();
    try (InputStream in = files.getFileThumbnailById(picture.getId(), GetFileThumbnailByIdExtension.PNG, size)) {
      BufferedImage small = ImageIO.read(new ByteArrayInputStream(in.readAllBytes()));
      isTrue(small.getWidth() <= 128 && small.getWidth() * 3 == small.getHeight() * 4, "size, " + small.getWidth() + " by " + small.getHeight());
    }
    FileFull text = put(client, here, "no picture.txt");
    String placeholder = files.getFileThumbnailUrl(text.getId(), GetFileThumbnailUrlExtension.PNG);
    isTrue(ImageIO.read(URI.create(placeholder).toURL()) != null, "a placeholder that is a picture");
  }

  private void representations() throws Exception {
    FileFull picture = put(client, here, "represented.png", png(800, 400));
    FileFull got =
        files.getFileById(
            picture.getId(),
            new GetFileByIdQueryParams.Builder().fields(List.of("representations")).build(),
            new GetFileByIdHeaders.Builder().xRepHints("[png?dimensions=320x320]").build());
    equal(got.getRepresentations().getEntries().get(0).getRepresentation(), "png", "representation");
    equal(got.getRepresentations().getEntries().get(0).getProperties().getDimensions(), "320x320", "dimensions");
  }

  private byte[] ranged(String id, String range) throws IOException {
    DownloadFileHeaders headers = new DownloadFileHeaders.Builder().range(range).build();
    try (InputStream in = client.getDownloads().downloadFile(id, headers)) {
      return in.readAllBytes();
    }
  }

  private void downloads() throws Exception {
    byte[] first = content(23, 300_007);
    byte[] second = content(24, 200_003);
    FileFull file = put(client, here, "a \"quoted\" Ünïcode name.bin", first);
    putVersion(client, file.getId(), file.getName(), second);
    sameBytes(read(client, file.getId()), second, "content");
    sameBytes(ranged(file.getId(), "bytes=1000-1999"), java.util.Arrays.copyOfRange(second, 1000, 2000), "a range");
    sameBytes(ranged(file.getId(), "bytes=-77"), java.util.Arrays.copyOfRange(second, 200_003 - 77, 200_003), "the end");
    equal(statusOf(() -> ranged(file.getId(), "bytes=9999999-")), 416, "beyond the end");
    DownloadFileQueryParams version = new DownloadFileQueryParams.Builder().version(file.getFileVersion().getId()).build();
    try (InputStream in = client.getDownloads().downloadFile(file.getId(), version)) {
      sameBytes(in.readAllBytes(), first, "content of a version");
    }
    try (InputStream in = URI.create(client.getDownloads().getDownloadFileUrl(file.getId())).toURL().openStream()) {
      sameBytes(in.readAllBytes(), second, "content behind the URL, without a token");
    }
    equal(statusOf(() -> client.getDownloads().downloadFile("990017")), 404, "of nobody");
  }
}
