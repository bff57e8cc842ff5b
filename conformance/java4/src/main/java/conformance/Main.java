package conformance;

import static conformance.Suite.content;
import static conformance.Suite.env;
import static conformance.Suite.equal;
import static conformance.Suite.isTrue;
import static conformance.Suite.sameBytes;
import static conformance.Suite.sha1Base64;
import static conformance.Suite.sha1Hex;
import static conformance.Suite.sha512Hex;

import com.box.sdk.BoxAPIResponseException;
import com.box.sdk.BoxFile;
import com.box.sdk.BoxFileUploadSession;
import com.box.sdk.BoxFileUploadSessionPart;
import com.box.sdk.BoxFileUploadSessionPartList;
import com.box.sdk.BoxFileVersion;
import com.box.sdk.BoxFolder;
import com.box.sdk.BoxItem;
import com.box.sdk.BoxJSONRequest;
import com.box.sdk.BoxJSONResponse;
import com.box.sdk.BoxTrash;
import com.box.sdk.BoxUser;
import com.box.sdk.FileUploadParams;
import com.eclipsesource.json.Json;
import com.eclipsesource.json.JsonArray;
import com.eclipsesource.json.JsonObject;
import com.eclipsesource.json.JsonValue;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.net.URL;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.Comparator;
import java.util.Date;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

/**
 * Drives boxcar with Box's classic Java SDK (box-java-sdk 4), unmodified.
 *
 * <p>Environment: BOXCAR_URL, BOXCAR_TOKEN, BOXCAR_WORK, BOXCAR_BIG_BYTES (default 64 MiB + 12345)
 * and, for an https URL, BOXCAR_CA (PEM).
 */
public final class Main {
  private static final int MIB = 1 << 20;
  private static final int SMALLEST_CHUNKED = 20_000_000; // bytes; Box refuses sessions below this

  private static final String TOKEN = env("BOXCAR_TOKEN", null);

  private interface Call {
    void run() throws Exception;
  }

  /** Fails unless the call is refused in this way. Returns the error's JSON. */
  private static JsonObject refused(int status, String code, Call call) throws Exception {
    try {
      call.run();
    } catch (BoxAPIResponseException e) {
      JsonObject body = Json.parse(e.getResponse()).asObject();
      equal(e.getResponseCode() + " " + body.getString("code", ""), status + " " + code, "status and code");
      equal(body.getInt("status", 0), status, "status in the body");
      isTrue(e.getMessage().contains(body.getString("request_id", "?")), "request_id in " + e.getMessage());
      return body;
    }
    throw new AssertionError("not refused; want " + status + " " + code);
  }

  private static InputStream stream(byte[] data) {
    return new ByteArrayInputStream(data);
  }

  private static byte[] download(BoxFile file) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    file.download(out);
    return out.toByteArray();
  }

  private static byte[] slice(byte[] data, long offset, int partSize) {
    return Arrays.copyOfRange(data, (int) offset, (int) Math.min(data.length, offset + partSize));
  }

  private static BoxFileUploadSessionPart put(BoxFileUploadSession.Info session, byte[] data, long offset) {
    byte[] chunk = slice(data, offset, session.getPartSize());
    return session.getResource().uploadPart(chunk, offset, chunk.length, data.length);
  }

  private static List<BoxFileUploadSessionPart> putAll(BoxFileUploadSession.Info session, byte[] data) {
    List<BoxFileUploadSessionPart> parts = new ArrayList<>();
    for (long at = 0; at < data.length; at += session.getPartSize()) {
      parts.add(put(session, data, at));
    }
    return parts;
  }

  private static String describe(BoxFileUploadSessionPart part) {
    return part.getPartId() + " " + part.getOffset() + "+" + part.getSize() + " " + part.getSha1();
  }

  private final Connection api = new Connection(TOKEN);
  private final String runName = "java4-" + UUID.randomUUID();
  private final BoxFolder folder = BoxFolder.getRootFolder(api).createFolder(runName).getResource();
  private final int bigBytes = Integer.parseInt(env("BOXCAR_BIG_BYTES", String.valueOf(64 * MIB + 12345)));
  private byte[] big;
  private BoxFile bigFile;

  private BoxFile.Info upload(String name, byte[] data) {
    return folder.uploadFile(
        new FileUploadParams().setName(name).setContent(stream(data)).setSize(data.length).setSHA1(sha1Hex(data)));
  }

  private List<String> names() {
    List<String> names = new ArrayList<>();
    for (BoxItem.Info item : folder) {
      names.add(item.getType() + " " + item.getName());
    }
    return names;
  }

  private void addChecks(Suite suite) {
    suite.check("users_me", this::usersMe);
    suite.check("folder_create_get_items", this::folderCreateGetItems);
    suite.check("preflight", () -> folder.canUpload("free.bin", 5));
    suite.check("small_upload_and_download", this::smallUploadAndDownload);
    suite.check("small_upload_of_a_stream", this::smallUploadOfAStream);
    suite.check("small_version_and_versions_list", this::smallVersionAndVersionsList);
    suite.check("upload_large_file_in_parallel", this::uploadLargeFile);
    suite.check("upload_large_file_version_in_parallel", this::uploadLargeFileVersion);
    suite.check("upload_large_file_when_replies_are_lost", this::uploadLargeFileWhenRepliesAreLost);
    suite.check("session_with_parts_in_random_order", this::sessionInRandomOrder);
    suite.check("session_with_parts_in_parallel", this::sessionInParallel);
    suite.check("version_session_with_preconditions", this::versionSessionWithPreconditions);
    suite.check("parts_refused", this::partsRefused);
    suite.check("abort", this::abort);
    suite.check("plan", this::plan);
    suite.check("name_conflicts", this::nameConflicts);
    suite.check("wrong_token", this::wrongToken);
    suite.check("delete_and_trash", this::deleteAndTrash);
    suite.check("delete_folder", this::deleteFolder);
  }

  private void usersMe() {
    BoxUser.Info me = BoxUser.getCurrentUser(api).getInfo();
    isTrue(me.getID().matches("\\d+") && !me.getLogin().isEmpty(), "id and login");
    isTrue(BoxUser.getCurrentUser(api).getInfo("enterprise").getEnterprise().getID() != null, "enterprise.id");
  }

  private void folderCreateGetItems() {
    BoxFolder.Info inner = folder.createFolder("inner");
    upload("a.txt", new byte[] {'a'});
    BoxFolder.Info got = inner.getResource().getInfo();
    equal(got.getName(), "inner", "name");
    equal(got.getParent().getID(), folder.getID(), "parent");
    equal(got.getPathCollection().get(1).getID(), folder.getID(), "path");
    isTrue(got.getCreatedAt() != null && got.getModifiedAt() != null, "dates");
    equal(names(), List.of("folder inner", "file a.txt"), "items");
    equal(folder.getChildrenRange(1, 1).iterator().next().getName(), "a.txt", "the second item");
    equal(folder.getChildrenRange(0, 1).fullSize(), 2L, "total_count");
  }

  private void smallUploadAndDownload() throws Exception {
    byte[] data = content(1, 300_000);
    Date written = Date.from(Instant.parse("2017-04-08T00:58:08Z"));
    BoxFile.Info info =
        folder.uploadFile(
            new FileUploadParams()
                .setName("small.bin")
                .setContent(stream(data))
                .setSHA1(sha1Hex(data))
                .setDescription("what it is")
                .setModified(written));
    equal(info.getSha1(), sha1Hex(data), "sha1");
    equal(info.getSize(), (long) data.length, "size");
    equal(info.getEtag(), "0", "etag");
    BoxFile.Info got = info.getResource().getInfo();
    equal(got.getDescription(), "what it is", "description");
    equal(got.getContentModifiedAt(), written, "content_modified_at");
    sameBytes(download(info.getResource()), data, "content");
    ByteArrayOutputStream range = new ByteArrayOutputStream();
    info.getResource().downloadRange(range, 100, 199);
    sameBytes(range.toByteArray(), Arrays.copyOfRange(data, 100, 200), "a range");
    URL url = info.getResource().getDownloadURL();
    try (InputStream in = url.openStream()) {
      sameBytes(in.readAllBytes(), data, "content behind the download URL, without a token");
    }
    refused(
        400,
        "bad_digest",
        () ->
            folder.uploadFile(
                new FileUploadParams().setName("never.bin").setContent(stream(data)).setSHA1("0".repeat(40))));
  }

  private void smallUploadOfAStream() {
    byte[] data = content(2, 200_000);
    BoxFile.Info info = folder.uploadFile(out -> out.write(data), "callback.bin"); // length unknown: sent chunked
    sameBytes(download(info.getResource()), data, "content");
  }

  private void smallVersionAndVersionsList() {
    byte[] old = content(3, 1000);
    byte[] now = content(4, 2000);
    BoxFile.Info first = upload("versions.bin", old);
    BoxFile.Info second = first.getResource().uploadNewVersion(stream(now), sha1Hex(now));
    equal(second.getID(), first.getID(), "id");
    equal(second.getEtag(), "1", "etag");
    Collection<BoxFileVersion> past = first.getResource().getVersions();
    equal(past.size(), 1, "past versions");
    BoxFileVersion version = past.iterator().next();
    equal(version.getSha1(), sha1Hex(old), "sha1 of the past version");
    isTrue(version.getCreatedAt() != null && version.getModifiedAt() != null, "its dates");
    equal(version.getVersionID(), first.getVersion().getVersionID(), "its id");
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    version.download(out);
    sameBytes(out.toByteArray(), old, "content of the past version");
    sameBytes(download(first.getResource()), now, "content");
  }

  private void uploadLargeFile() throws Exception {
    big = content(5, bigBytes);
    Map<String, String> attributes = new HashMap<>();
    attributes.put("content_modified_at", "2017-04-08T00:58:08Z");
    attributes.put("description", null); // goes out as null
    BoxFile.Info info =
        folder.uploadLargeFile(stream(big), "big.bin", big.length, 4, 2, TimeUnit.MINUTES, attributes);
    bigFile = info.getResource();
    equal(info.getName(), "big.bin", "name");
    equal(info.getSha1(), sha1Hex(big), "sha1");
    equal(info.getContentModifiedAt().toInstant(), Instant.parse("2017-04-08T00:58:08Z"), "content_modified_at");
    sameBytes(download(bigFile), big, "content");
  }

  private void uploadLargeFileVersion() throws Exception {
    byte[] data = content(6, SMALLEST_CHUNKED + 1);
    BoxFile.Info info = bigFile.uploadLargeFile(stream(data), data.length, 3, 2, TimeUnit.MINUTES);
    equal(info.getID(), bigFile.getID(), "id");
    equal(info.getName(), "big.bin", "name");
    sameBytes(download(bigFile), data, "content");
    equal(bigFile.getVersions().iterator().next().getSha1(), sha1Hex(big), "the past version");
  }

  private void uploadLargeFileWhenRepliesAreLost() throws Exception {
    byte[] data = content(7, SMALLEST_CHUNKED);
    BoxFileUploadSession.Info session = folder.createUploadSession("lost.bin", data.length);
    // After a 500 for a part the SDK looks for it in the list; after one for a commit it commits again.
    Connection.loseReplyOf.add(session.getSessionEndpoints().getUploadPartEndpoint().getPath());
    Connection.loseReplyOf.add(session.getSessionEndpoints().getCommitEndpoint().getPath());
    List<BoxFileUploadSessionPart> parts = putAll(session, data);
    BoxFile.Info info = session.getResource().commit(sha1Base64(data), parts, null, null, null);
    equal(Connection.loseReplyOf.size(), 0, "replies not yet lost");
    sameBytes(download(info.getResource()), data, "content");
    equal(info.getResource().getVersions().size(), 0, "past versions");
  }

  private void sessionInRandomOrder() throws Exception {
    byte[] data = content(8, SMALLEST_CHUNKED);
    BoxFileUploadSession.Info session = folder.createUploadSession("manual.bin", data.length);
    equal(session.getPartSize(), 8 * MIB, "part_size");
    equal(session.getTotalParts(), 3, "total_parts");
    equal(session.getPartsProcessed(), 0, "num_parts_processed");
    isTrue(session.getSessionExpiresAt().toInstant().isAfter(Instant.now()), "session_expires_at");

    List<Long> offsets = new ArrayList<>();
    for (long at = 0; at < data.length; at += session.getPartSize()) {
      offsets.add(at);
    }
    Collections.shuffle(offsets, new Random(7));
    List<BoxFileUploadSessionPart> parts = new ArrayList<>();
    for (long at : offsets) {
      BoxFileUploadSessionPart part = put(session, data, at);
      equal(part.getSha1(), sha1Hex(slice(data, at, session.getPartSize())), "sha1 of the part");
      parts.add(part);
    }
    equal(describe(put(session, data, offsets.get(0))), describe(parts.get(0)), "the same part sent again");
    equal(session.getResource().getStatus().getPartsProcessed(), 3, "num_parts_processed");
    parts.sort(Comparator.comparingLong(BoxFileUploadSessionPart::getOffset));

    BoxFileUploadSessionPartList listed = session.getResource().listParts(0, 100);
    equal(listed.getTotalCount(), 3, "total_count");
    equal(listed.getLimit(), 100, "limit");
    equal(
        listed.getEntries().stream().map(Main::describe).toList(),
        parts.stream().map(Main::describe).toList(),
        "parts listed");
    equal(describe(session.getResource().listParts(2, 1).getEntries().get(0)), describe(parts.get(2)), "slot 2");

    BoxFileUploadSession resource = session.getResource();
    String digest = sha1Base64(data);
    refused(400, "parts_mismatch", () -> resource.commit(digest, parts.subList(0, 2), null, null, null));
    refused(400, "digest_mismatch", () -> resource.commit(sha1Base64(new byte[0]), parts, null, null, null));
    BoxFile.Info info = resource.commit(digest, parts, Map.of("description", "by hand"), null, null);
    equal(info.getDescription(), "by hand", "description");
    sameBytes(download(info.getResource()), data, "content");
    equal(resource.commit(digest, parts, null, null, null).getID(), info.getID(), "the same commit again");
    resource.abort();
    sameBytes(download(info.getResource()), data, "content after abort");
  }

  private void sessionInParallel() throws Exception {
    byte[] data = content(9, 5 * 8 * MIB);
    BoxFileUploadSession.Info session = folder.createUploadSession("parallel.bin", data.length);
    ExecutorService pool = Executors.newFixedThreadPool(4);
    try {
      List<Future<BoxFileUploadSessionPart>> results = new ArrayList<>();
      for (long at = 0; at < data.length; at += session.getPartSize()) {
        long offset = at;
        results.add(pool.submit(() -> put(session, data, offset)));
      }
      List<BoxFileUploadSessionPart> parts = new ArrayList<>();
      for (Future<BoxFileUploadSessionPart> result : results) {
        parts.add(0, result.get());
      }
      BoxFile.Info info = session.getResource().commit(sha1Base64(data), parts, null, null, null);
      sameBytes(download(info.getResource()), data, "content");
    } finally {
      pool.shutdown();
    }
  }

  private void versionSessionWithPreconditions() throws Exception {
    BoxFile.Info small = upload("grows.bin", new byte[] {1});
    byte[] data = content(10, SMALLEST_CHUNKED);
    BoxFileUploadSession.Info session = small.getResource().createUploadSession(data.length);
    List<BoxFileUploadSessionPart> parts = putAll(session, data);
    BoxFileUploadSession resource = session.getResource();
    String digest = sha1Base64(data);
    refused(412, "precondition_failed", () -> resource.commit(digest, parts, null, "77", null));
    BoxFile.Info grown = resource.commit(digest, parts, null, small.getEtag(), null);
    equal(grown.getID() + " " + grown.getEtag(), small.getID() + " 1", "id and etag");
  }

  private void partsRefused() throws Exception {
    byte[] data = content(11, SMALLEST_CHUNKED);
    BoxFileUploadSession.Info session = folder.createUploadSession("refused.bin", data.length);
    BoxFileUploadSession resource = session.getResource();
    byte[] chunk = slice(data, 0, session.getPartSize());
    refused(416, "range_not_satisfiable", () -> resource.uploadPart(chunk, 1, chunk.length, data.length));
    BoxFileUploadSessionPart stored = put(session, data, 0);
    byte[] other = slice(data, session.getPartSize(), session.getPartSize());
    JsonObject error =
        refused(416, "range_overlaps_existing_part", () -> resource.uploadPart(other, 0, other.length, data.length));
    JsonObject conflicting = error.get("context_info").asObject().get("conflicting_part").asObject();
    equal(conflicting.getString("part_id", ""), stored.getPartId(), "conflicting_part");
    resource.abort();
  }

  private void abort() throws Exception {
    byte[] data = content(12, SMALLEST_CHUNKED);
    BoxFileUploadSession.Info session = folder.createUploadSession("abort.bin", data.length);
    put(session, data, 0);
    session.getResource().abort();
    refused(404, "not_found", () -> session.getResource().getStatus());
    refused(404, "not_found", () -> put(session, data, 0));
    session.getResource().abort();
  }

  /** This SDK has no call for it: the request goes through its own request class. */
  private void plan() throws Exception {
    byte[] data = content(13, SMALLEST_CHUNKED);
    BoxFile.Info file = folder.uploadLargeFile(stream(data), "plan.bin", data.length);
    BoxFileUploadSession.Info session = file.getResource().createUploadSession(data.length);
    JsonArray offered = new JsonArray();
    for (long at = 0; at < data.length; at += session.getPartSize()) {
      byte[] chunk = slice(data, at, session.getPartSize());
      offered.add(
          new JsonObject().add("offset", at).add("size", chunk.length).add("sha512", sha512Hex(chunk)));
    }
    URL url = new URL(session.getSessionEndpoints().getStatusEndpoint() + "/plan");
    BoxJSONRequest request = new BoxJSONRequest(api, url, "POST");
    request.setBody(new JsonObject().add("parts", offered).toString());
    List<BoxFileUploadSessionPart> parts = new ArrayList<>();
    try (BoxJSONResponse response = request.send()) {
      JsonObject answer = response.getJsonObject();
      equal(answer.get("misses").asArray().size(), 0, "misses");
      for (JsonValue hit : answer.get("hits").asArray()) {
        isTrue(!hit.asObject().getString("part_id", "").isEmpty(), "part_id of a hit");
      }
      equal(answer.get("hits").asArray().size(), offered.size(), "hits");
    }
    for (BoxFileUploadSessionPart part : session.getResource().listParts(0, 100).getEntries()) {
      parts.add(part);
    }
    BoxFile.Info again = session.getResource().commit(sha1Base64(data), parts, null, file.getEtag(), null);
    equal(again.getSha1(), sha1Hex(data), "sha1 of the version made of hits");
  }

  private void nameConflicts() throws Exception {
    BoxFile.Info file = upload("taken.bin", new byte[] {1});
    List<Call> calls =
        List.of(
            () -> upload("Taken.BIN", new byte[] {2}),
            () -> folder.canUpload("taken.bin", 9),
            () -> folder.createUploadSession("taken.bin", SMALLEST_CHUNKED));
    for (Call call : calls) {
      JsonObject error = refused(409, "item_name_in_use", call);
      JsonObject found = error.get("context_info").asObject().get("conflicts").asObject();
      equal(found.getString("id", ""), file.getID(), "conflicts.id");
      equal(found.getString("type", ""), "file", "conflicts.type");
    }
    JsonObject error =
        refused(409, "item_name_in_use", () -> BoxFolder.getRootFolder(api).createFolder(runName));
    JsonArray found = error.get("context_info").asObject().get("conflicts").asArray();
    equal(found.get(0).asObject().getString("id", ""), folder.getID(), "conflicts of a folder, an array");
    refused(400, "file_size_too_small", () -> folder.createUploadSession("tiny.bin", SMALLEST_CHUNKED - 1));
  }

  private void wrongToken() {
    Connection wrong = new Connection("wrong");
    for (Call call :
        List.<Call>of(
            () -> BoxUser.getCurrentUser(wrong).getInfo(),
            () -> new BoxFolder(wrong, "0").createUploadSession("no.bin", SMALLEST_CHUNKED))) {
      try {
        call.run();
      } catch (BoxAPIResponseException e) {
        equal(e.getResponseCode(), 401, "status");
        equal(e.getResponse(), "", "body");
        isTrue(e.getHeaders().toString().contains("invalid_token"), "headers: " + e.getHeaders());
        continue;
      } catch (Exception e) {
        throw new AssertionError("what the SDK makes of a 401", e);
      }
      throw new AssertionError("accepted");
    }
  }

  private void deleteAndTrash() throws Exception {
    byte[] data = content(14, 10);
    BoxFile.Info file = upload("trash.bin", data);
    file.getResource().delete();
    isTrue(!names().contains("file trash.bin"), "the listing after delete");
    BoxTrash trash = new BoxTrash(api);
    BoxFile.Info trashed = trash.getFileInfo(file.getID());
    equal(trashed.getItemStatus(), "trashed", "item_status");
    isTrue(trashed.getTrashedAt() != null, "trashed_at");
    equal(trash.restoreFile(file.getID()).getItemStatus(), "active", "item_status after restore");
    sameBytes(download(file.getResource()), data, "content after restore");
    file.getResource().delete();
    trash.deleteFile(file.getID());
    refused(404, "not_found", () -> trash.getFileInfo(file.getID()));
  }

  private void deleteFolder() throws Exception {
    refused(400, "folder_not_empty", () -> folder.delete(false));
    folder.delete(true);
    refused(404, "trashed", folder::getInfo);
  }

  public static void main(String[] args) throws Exception {
    String ca = System.getenv("BOXCAR_CA");
    if (ca != null && !ca.isEmpty()) {
      Suite.trust(ca, Path.of(env("BOXCAR_WORK", null)));
    }
    Suite suite = new Suite();
    new Main().addChecks(suite);
    suite.run();
  }
}
