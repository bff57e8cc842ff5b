package conformance;

import static conformance.Box.MIB;
import static conformance.Box.SMALLEST_CHUNKED;
import static conformance.Box.contentRange;
import static conformance.Box.describe;
import static conformance.Box.loseReplyOf;
import static conformance.Box.refused;
import static conformance.Box.slice;
import static conformance.Box.stream;
import static conformance.Suite.content;
import static conformance.Suite.env;
import static conformance.Suite.equal;
import static conformance.Suite.isTrue;
import static conformance.Suite.sameBytes;
import static conformance.Suite.sha1Base64;
import static conformance.Suite.sha1Hex;
import static conformance.Suite.sha512Hex;

import com.box.sdkgen.box.errors.BoxAPIError;
import com.box.sdkgen.box.errors.BoxSDKError;
import com.box.sdkgen.client.BoxClient;
import com.box.sdkgen.managers.chunkeduploads.ChunkedUploadsManager;
import com.box.sdkgen.managers.chunkeduploads.CreateFileUploadSessionCommitByUrlHeaders;
import com.box.sdkgen.managers.chunkeduploads.CreateFileUploadSessionCommitByUrlRequestBody;
import com.box.sdkgen.managers.chunkeduploads.GetFileUploadSessionPartsQueryParams;
import com.box.sdkgen.managers.chunkeduploads.UploadFilePartByUrlHeaders;
import com.box.sdkgen.managers.chunkeduploads.UploadFilePartHeaders;
import com.box.sdkgen.managers.downloads.DownloadFileQueryParams;
import com.box.sdkgen.managers.folders.DeleteFolderByIdQueryParams;
import com.box.sdkgen.managers.folders.GetFolderItemsQueryParams;
import com.box.sdkgen.managers.uploads.PreflightFileUploadCheckRequestBody;
import com.box.sdkgen.managers.uploads.PreflightFileUploadCheckRequestBodyParentField;
import com.box.sdkgen.managers.uploads.UploadFileHeaders;
import com.box.sdkgen.managers.uploads.UploadFileRequestBody;
import com.box.sdkgen.managers.uploads.UploadFileRequestBodyAttributesField;
import com.box.sdkgen.managers.uploads.UploadFileRequestBodyAttributesParentField;
import com.box.sdkgen.managers.uploads.UploadFileVersionHeaders;
import com.box.sdkgen.managers.uploads.UploadFileVersionRequestBody;
import com.box.sdkgen.managers.uploads.UploadFileVersionRequestBodyAttributesField;
import com.box.sdkgen.managers.uploads.UploadWithPreflightCheckRequestBody;
import com.box.sdkgen.managers.uploads.UploadWithPreflightCheckRequestBodyAttributesField;
import com.box.sdkgen.managers.uploads.UploadWithPreflightCheckRequestBodyAttributesParentField;
import com.box.sdkgen.networking.fetchoptions.FetchOptions;
import com.box.sdkgen.networking.retries.BoxRetryStrategy;
import com.box.sdkgen.schemas.file.File;
import com.box.sdkgen.schemas.filefull.FileFull;
import com.box.sdkgen.schemas.fileversions.FileVersions;
import com.box.sdkgen.schemas.folderfull.FolderFull;
import com.box.sdkgen.schemas.items.Items;
import com.box.sdkgen.schemas.trashfile.TrashFile;
import com.box.sdkgen.schemas.uploadpart.UploadPart;
import com.box.sdkgen.schemas.uploadparts.UploadParts;
import com.box.sdkgen.schemas.uploadsession.UploadSession;
import com.box.sdkgen.schemas.userfull.UserFull;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.InputStream;
import java.net.URL;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * Drives boxcar with Box's generated Java SDK (package com.box.sdkgen), unmodified.
 *
 * <p>Environment: BOXCAR_URL, BOXCAR_TOKEN, BOXCAR_WORK, BOXCAR_BIG_BYTES (default 64 MiB + 12345)
 * and, for an https URL, BOXCAR_CA (PEM).
 */
public final class Main {
  private final Box box = new Box();
  private final BoxClient client = box.client;
  private final ChunkedUploadsManager chunked = box.chunked;
  private final FolderFull folder = box.folder;

  private void addChecks(Suite suite) {
    suite.check("users_me", this::usersMe);
    suite.check("folder_create_get_items", this::folderCreateGetItems);
    suite.check("preflight", this::preflight);
    suite.check("small_upload_and_download", this::smallUploadAndDownload);
    suite.check("small_version_and_versions_list", this::smallVersionAndVersionsList);
    suite.check("upload_big_file", this::uploadBigFile);
    suite.check("upload_big_file_when_replies_are_lost", this::uploadBigFileWhenRepliesAreLost);
    suite.check("session_by_id_with_parts_in_random_order", this::sessionInRandomOrder);
    suite.check("session_by_url_with_parts_in_parallel", this::sessionInParallel);
    suite.check("version_session_with_preconditions", this::versionSessionWithPreconditions);
    suite.check("parts_refused", this::partsRefused);
    suite.check("abort", this::abort);
    suite.check("plan", this::plan);
    suite.check("name_conflicts", this::nameConflicts);
    suite.check("sessions_refused", this::sessionsRefused);
    suite.check("wrong_token", this::wrongToken);
    suite.check("delete_and_trash", this::deleteAndTrash);
    suite.check("delete_folder", this::deleteFolder);
  }

  private void usersMe() {
    UserFull me = client.getUsers().getUserMe();
    isTrue(me.getId().matches("\\d+") && !me.getLogin().isEmpty(), "id and login");
    isTrue(me.getCreatedAt() != null, "created_at");
  }

  private void folderCreateGetItems() {
    FolderFull inner = box.createFolder("inner", folder.getId());
    box.upload("a.txt", new byte[] {'a'});
    FolderFull got = client.getFolders().getFolderById(inner.getId());
    equal(got.getName(), "inner", "name");
    equal(got.getParent().getId(), folder.getId(), "parent");
    equal(got.getPathCollection().getEntries().get(1).getId(), folder.getId(), "path");
    Items items = client.getFolders().getFolderItems(folder.getId());
    equal(items.getEntries().stream().map(i -> i.getName()).toList(), List.of("inner", "a.txt"), "items");
    equal(items.getTotalCount(), 2L, "total_count");
    GetFolderItemsQueryParams.Builder page =
        new GetFolderItemsQueryParams.Builder().usemarker(true).limit(1L);
    Items first = client.getFolders().getFolderItems(folder.getId(), page.build());
    Items second =
        client.getFolders().getFolderItems(folder.getId(), page.marker(first.getNextMarker()).build());
    equal(first.getEntries().get(0).getName(), "inner", "the first page");
    equal(second.getEntries().get(0).getName(), "a.txt", "the second page");
    isTrue(second.getNextMarker() == null, "next_marker of the last page: " + second.getNextMarker());
  }

  private void preflight() throws Exception {
    String url =
        client
            .getUploads()
            .preflightFileUploadCheck(
                new PreflightFileUploadCheckRequestBody.Builder()
                    .name("free.bin")
                    .size(5)
                    .parent(new PreflightFileUploadCheckRequestBodyParentField.Builder().id(folder.getId()).build())
                    .build())
            .getUploadUrl();
    isTrue(url.startsWith("http"), "upload_url: " + url);
    byte[] data = content(20, 5);
    FileFull file =
        client
            .getUploads()
            .uploadWithPreflightCheck(
                new UploadWithPreflightCheckRequestBody(
                    new UploadWithPreflightCheckRequestBodyAttributesField(
                        "free.bin",
                        new UploadWithPreflightCheckRequestBodyAttributesParentField(folder.getId()),
                        data.length),
                    stream(data)))
            .getEntries()
            .get(0);
    sameBytes(box.download(file.getId()), data, "content");
  }

  private void smallUploadAndDownload() throws Exception {
    byte[] data = content(1, 300_000);
    FileFull file = box.upload("small.bin", data);
    equal(file.getSha1(), sha1Hex(data), "sha1");
    equal(file.getSize(), (long) data.length, "size");
    equal(file.getEtag() + " " + file.getSequenceId(), "0 0", "etag and sequence_id");
    equal(file.getParent().getId(), folder.getId(), "parent");
    isTrue(file.getContentModifiedAt() != null && file.getModifiedAt() != null, "dates");
    sameBytes(box.download(file.getId()), data, "content");
    URL url = new URL(client.getDownloads().getDownloadFileUrl(file.getId()));
    try (InputStream in = url.openStream()) {
      sameBytes(in.readAllBytes(), data, "content behind the download URL, without a token");
    }
    refused(
        400,
        "bad_digest",
        () ->
            client
                .getUploads()
                .uploadFile(
                    new UploadFileRequestBody(
                        new UploadFileRequestBodyAttributesField(
                            "never.bin", new UploadFileRequestBodyAttributesParentField(folder.getId())),
                        stream(data)),
                    new UploadFileHeaders.Builder().contentMd5("0".repeat(40)).build()));
  }

  private FileFull uploadVersion(FileFull file, byte[] data, String etag) {
    return client
        .getUploads()
        .uploadFileVersion(
            file.getId(),
            new UploadFileVersionRequestBody(
                new UploadFileVersionRequestBodyAttributesField(file.getName()), stream(data)),
            new UploadFileVersionHeaders.Builder().ifMatch(etag).build())
        .getEntries()
        .get(0);
  }

  private void smallVersionAndVersionsList() throws Exception {
    byte[] old = content(3, 1000);
    byte[] now = content(4, 2000);
    FileFull first = box.upload("versions.bin", old);
    FileFull second = uploadVersion(first, now, first.getEtag());
    equal(second.getId() + " " + second.getEtag(), first.getId() + " 1", "id and etag");
    refused(412, "precondition_failed", () -> uploadVersion(first, old, first.getEtag()));
    FileVersions past = client.getFileVersions().getFileVersions(first.getId());
    equal(past.getTotalCount(), 1L, "total_count: past versions only");
    equal(past.getEntries().get(0).getSha1(), sha1Hex(old), "sha1 of the past version");
    String version = past.getEntries().get(0).getId();
    equal(version, first.getFileVersion().getId(), "its id");
    try (InputStream in =
        client
            .getDownloads()
            .downloadFile(first.getId(), new DownloadFileQueryParams.Builder().version(version).build())) {
      sameBytes(in.readAllBytes(), old, "content of the past version");
    }
    sameBytes(box.download(first.getId()), now, "content");
  }

  private void uploadBigFile() throws Exception {
    byte[] data = content(5, box.bigBytes);
    FileFull file = chunked.uploadBigFile(stream(data), "big.bin", data.length, folder.getId());
    equal(file.getName(), "big.bin", "name");
    equal(file.getSha1(), sha1Hex(data), "sha1");
    equal(file.getSize(), (long) data.length, "size");
    sameBytes(box.download(file.getId()), data, "content");
  }

  private void uploadBigFileWhenRepliesAreLost() throws Exception {
    byte[] data = content(7, SMALLEST_CHUNKED);
    UploadSession session = box.session("lost.bin", data.length);
    String path = new URL(session.getSessionEndpoints().getUploadPart()).getPath();
    // The SDK sends a lost part again with its headers but, the stream being used up, without a body.
    loseReplyOf.add(path);
    loseReplyOf.add(path + "/commit");
    List<UploadPart> parts = box.putAll(session, data);
    FileFull file = box.commit(session, parts, data, null);
    equal(loseReplyOf.size(), 0, "replies not yet lost");
    sameBytes(box.download(file.getId()), data, "content");
    equal(client.getFileVersions().getFileVersions(file.getId()).getTotalCount(), 0L, "past versions");
  }

  private void sessionInRandomOrder() throws Exception {
    byte[] data = content(8, SMALLEST_CHUNKED);
    UploadSession session = box.session("by-id.bin", data.length);
    equal(session.getPartSize() + " " + session.getTotalParts(), 8L * MIB + " 3", "part_size and total_parts");
    equal(session.getNumPartsProcessed(), 0, "num_parts_processed");
    isTrue(session.getSessionExpiresAt() != null, "session_expires_at");

    List<Long> offsets = new ArrayList<>();
    for (long at = 0; at < data.length; at += session.getPartSize()) {
      offsets.add(at);
    }
    Collections.shuffle(offsets, new Random(7));
    List<UploadPart> parts = new ArrayList<>();
    for (long at : offsets) {
      UploadPart part = box.put(session, data, at);
      equal(part.getSha1(), sha1Hex(slice(data, at, session.getPartSize())), "sha1 of the part");
      parts.add(part);
    }
    equal(describe(box.put(session, data, offsets.get(0))), describe(parts.get(0)), "the same part sent again");
    equal(chunked.getFileUploadSessionById(session.getId()).getNumPartsProcessed(), 3, "num_parts_processed");
    parts.sort(Comparator.comparing(UploadPart::getOffset));

    UploadParts listed = chunked.getFileUploadSessionParts(session.getId());
    equal(listed.getTotalCount(), 3L, "total_count");
    equal(
        listed.getEntries().stream().map(Box::describe).toList(),
        parts.stream().map(Box::describe).toList(),
        "parts listed");
    UploadParts one =
        chunked.getFileUploadSessionParts(
            session.getId(), new GetFileUploadSessionPartsQueryParams.Builder().offset(2L).limit(1L).build());
    equal(one.getEntries().stream().map(Box::describe).toList(), List.of(describe(parts.get(2))), "slot 2");

    refused(400, "parts_mismatch", () -> box.commit(session, parts.subList(0, 2), data, null));
    refused(400, "digest_mismatch", () -> box.commit(session, parts, new byte[0], null));
    FileFull file = box.commit(session, parts, data, null);
    equal(file.getName() + " " + file.getSha1(), "by-id.bin " + sha1Hex(data), "name and sha1");
    sameBytes(box.download(file.getId()), data, "content");
    FileFull again = box.commit(session, parts, data, null);
    equal(again.getFileVersion().getId(), file.getFileVersion().getId(), "the same commit again");
    chunked.deleteFileUploadSessionById(session.getId());
    sameBytes(box.download(file.getId()), data, "content after the session was deleted");
  }

  private void sessionInParallel() throws Exception {
    byte[] data = content(9, 5 * 8 * MIB);
    UploadSession session = box.session("by-url.bin", data.length);
    String partUrl = session.getSessionEndpoints().getUploadPart();
    ExecutorService pool = Executors.newFixedThreadPool(4);
    try {
      List<Future<UploadPart>> results = new ArrayList<>();
      for (long at = 0; at < data.length; at += session.getPartSize()) {
        long offset = at;
        results.add(
            pool.submit(
                () -> {
                  byte[] chunk = slice(data, offset, session.getPartSize());
                  return chunked
                      .uploadFilePartByUrl(
                          partUrl,
                          stream(chunk),
                          new UploadFilePartByUrlHeaders(
                              "sha=" + sha1Base64(chunk), contentRange(offset, chunk.length, data.length)))
                      .getPart();
                }));
      }
      List<UploadPart> parts = new ArrayList<>();
      for (Future<UploadPart> result : results) {
        parts.add(0, result.get());
      }
      String status = session.getSessionEndpoints().getStatus();
      equal(chunked.getFileUploadSessionByUrl(status).getNumPartsProcessed(), parts.size(), "num_parts_processed");
      String list = session.getSessionEndpoints().getListParts();
      equal(chunked.getFileUploadSessionPartsByUrl(list).getEntries().size(), parts.size(), "parts listed");
      FileFull file =
          chunked
              .createFileUploadSessionCommitByUrl(
                  session.getSessionEndpoints().getCommit(),
                  new CreateFileUploadSessionCommitByUrlRequestBody(parts),
                  new CreateFileUploadSessionCommitByUrlHeaders("sha=" + sha1Base64(data)))
              .getEntries()
              .get(0);
      sameBytes(box.download(file.getId()), data, "content");
      chunked.deleteFileUploadSessionByUrl(session.getSessionEndpoints().getAbort());
    } finally {
      pool.shutdown();
    }
  }

  private void versionSessionWithPreconditions() throws Exception {
    FileFull small = box.upload("grows.bin", new byte[] {1});
    byte[] data = content(10, SMALLEST_CHUNKED);
    UploadSession session = box.versionSession(small.getId(), data.length, "grown.bin");
    List<UploadPart> parts = box.putAll(session, data);
    refused(412, "precondition_failed", () -> box.commit(session, parts, data, "77"));
    FileFull grown = box.commit(session, parts, data, small.getEtag());
    equal(grown.getId() + " " + grown.getName(), small.getId() + " grown.bin", "id and name");
  }

  private void partsRefused() throws Exception {
    byte[] data = content(11, SMALLEST_CHUNKED);
    UploadSession session = box.session("refused.bin", data.length);
    byte[] chunk = slice(data, 0, session.getPartSize());
    Box.Call wrongDigest =
        () ->
            chunked.uploadFilePart(
                session.getId(),
                stream(chunk),
                new UploadFilePartHeaders(
                    "sha=" + sha1Base64(new byte[0]), contentRange(0, chunk.length, data.length)));
    refused(400, "digest_mismatch", wrongDigest);
    refused(
        416,
        "range_not_satisfiable",
        () ->
            chunked.uploadFilePart(
                session.getId(),
                stream(chunk),
                new UploadFilePartHeaders(
                    "sha=" + sha1Base64(chunk), contentRange(1, chunk.length, data.length))));
    UploadPart stored = box.put(session, data, 0);
    JsonNode context = refused(416, "range_overlaps_existing_part", wrongDigest).getContextInfo();
    equal(context.path("conflicting_part").path("part_id").asText(), stored.getPartId(), "conflicting_part");
    chunked.deleteFileUploadSessionById(session.getId());
  }

  private void abort() throws Exception {
    byte[] data = content(12, SMALLEST_CHUNKED);
    UploadSession session = box.session("abort.bin", data.length);
    box.put(session, data, 0);
    chunked.deleteFileUploadSessionById(session.getId());
    refused(404, "not_found", () -> chunked.getFileUploadSessionById(session.getId()));
    refused(404, "not_found", () -> box.put(session, data, 0));
    chunked.deleteFileUploadSessionById(session.getId());
  }

  /** This release has no call for it: the request goes through the SDK's makeRequest. */
  private void plan() throws Exception {
    byte[] data = content(13, SMALLEST_CHUNKED);
    FileFull file = chunked.uploadBigFile(stream(data), "plan.bin", data.length, folder.getId());
    UploadSession session = box.versionSession(file.getId(), data.length, null);
    ArrayNode offered = JsonNodeFactory.instance.arrayNode();
    for (long at = 0; at < data.length; at += session.getPartSize()) {
      byte[] chunk = slice(data, at, session.getPartSize());
      offered.addObject().put("offset", at).put("size", chunk.length).put("sha512", sha512Hex(chunk));
    }
    ObjectNode body = JsonNodeFactory.instance.objectNode();
    body.set("parts", offered);
    String url = session.getSessionEndpoints().getStatus() + "/plan";
    JsonNode answer =
        client.makeRequest(new FetchOptions.Builder(url, "POST").data(body).build()).getData();
    equal(answer.path("upload_session_id").asText(), session.getId(), "upload_session_id");
    equal(answer.path("misses").size(), 0, "misses");
    List<UploadPart> parts = new ArrayList<>();
    for (JsonNode hit : answer.path("hits")) {
      parts.add(
          new UploadPart.Builder()
              .partId(hit.get("part_id").asText())
              .offset(hit.get("offset").asLong())
              .size(hit.get("size").asLong())
              .build());
    }
    equal(parts.size(), offered.size(), "hits");
    equal(box.commit(session, parts, data, file.getEtag()).getSha1(), sha1Hex(data), "sha1 of the version made of hits");
  }

  private void nameConflicts() throws Exception {
    FileFull file = box.upload("taken.bin", new byte[] {1});
    List<Box.Call> calls =
        List.of(
            () -> box.upload("Taken.BIN", new byte[] {2}),
            () ->
                client
                    .getUploads()
                    .preflightFileUploadCheck(
                        new PreflightFileUploadCheckRequestBody.Builder()
                            .name("taken.bin")
                            .size(9)
                            .parent(
                                new PreflightFileUploadCheckRequestBodyParentField.Builder()
                                    .id(folder.getId())
                                    .build())
                            .build()),
            () -> box.session("taken.bin", SMALLEST_CHUNKED));
    for (Box.Call call : calls) {
      JsonNode found = refused(409, "item_name_in_use", call).getContextInfo().path("conflicts");
      equal(found.path("type").asText() + " " + found.path("id").asText(), "file " + file.getId(), "conflicts");
    }
    JsonNode found =
        refused(409, "item_name_in_use", () -> box.createFolder(box.runName, "0")).getContextInfo().path("conflicts");
    equal(found.path(0).path("id").asText(), folder.getId(), "conflicts of a folder, an array");
  }

  private void sessionsRefused() throws Exception {
    refused(400, "file_size_too_small", () -> box.session("tiny.bin", SMALLEST_CHUNKED - 1));
    refused(400, "item_name_invalid", () -> box.session("a/b", SMALLEST_CHUNKED));
    refused(404, "not_found", () -> chunked.getFileUploadSessionById("F".repeat(32)));
    refused(400, "invalid_upload_session_id", () -> chunked.getFileUploadSessionById("nonsense"));
  }

  private void wrongToken() {
    try {
      Box.client("wrong", new BoxRetryStrategy()).getUsers().getUserMe();
      throw new AssertionError("accepted");
    } catch (BoxSDKError e) {
      isTrue(e.getMessage().contains("Developer token has expired"), "what the SDK makes of a 401: " + e.getMessage());
    }
    BoxClient once = Box.client("wrong", new BoxRetryStrategy.Builder().maxAttempts(1).build());
    try {
      once.getUsers().getUserMe();
      throw new AssertionError("accepted");
    } catch (BoxAPIError e) {
      equal(e.getResponseInfo().getStatusCode(), 401, "status");
      equal(e.getResponseInfo().getRawBody(), "", "body");
      String challenge = e.getResponseInfo().getHeaders().get("WWW-Authenticate");
      isTrue(challenge != null && challenge.contains("invalid_token"), "WWW-Authenticate: " + challenge);
    }
  }

  private void deleteAndTrash() throws Exception {
    byte[] data = content(14, 10);
    File file = box.upload("trash.bin", data);
    client.getFiles().deleteFileById(file.getId());
    Items items = client.getFolders().getFolderItems(folder.getId());
    isTrue(items.getEntries().stream().noneMatch(i -> i.getId().equals(file.getId())), "the listing after delete");
    TrashFile trashed = client.getTrashedFiles().getTrashedFileById(file.getId());
    equal(trashed.getItemStatus().getStringValue(), "trashed", "item_status");
    isTrue(trashed.getTrashedAt() != null, "trashed_at");
    refused(404, "trashed", () -> box.versionSession(file.getId(), SMALLEST_CHUNKED, null));
    String restored = client.getTrashedFiles().restoreFileFromTrash(file.getId()).getItemStatus().getStringValue();
    equal(restored, "active", "item_status after restore");
    sameBytes(box.download(file.getId()), data, "content after restore");
    client.getFiles().deleteFileById(file.getId());
    client.getTrashedFiles().deleteTrashedFileById(file.getId());
    refused(404, "not_found", () -> client.getTrashedFiles().getTrashedFileById(file.getId()));
  }

  private void deleteFolder() throws Exception {
    refused(400, "folder_not_empty", () -> client.getFolders().deleteFolderById(folder.getId()));
    client
        .getFolders()
        .deleteFolderById(folder.getId(), new DeleteFolderByIdQueryParams.Builder().recursive(true).build());
    refused(404, "trashed", () -> client.getFolders().getFolderById(folder.getId()));
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
