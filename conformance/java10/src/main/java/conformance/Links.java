package conformance;

import static conformance.Areas.ids;
import static conformance.Areas.mkdir;
import static conformance.Areas.newUser;
import static conformance.Areas.put;
import static conformance.Box.refused;
import static conformance.Suite.content;
import static conformance.Suite.equal;
import static conformance.Suite.isTrue;
import static conformance.Suite.sameBytes;

import com.box.sdkgen.client.BoxClient;
import com.box.sdkgen.managers.downloads.DownloadFileHeaders;
import com.box.sdkgen.managers.folders.GetFolderItemsHeaders;
import com.box.sdkgen.managers.sharedlinksfiles.AddShareLinkToFileQueryParams;
import com.box.sdkgen.managers.sharedlinksfiles.AddShareLinkToFileRequestBody;
import com.box.sdkgen.managers.sharedlinksfiles.AddShareLinkToFileRequestBodySharedLinkAccessField;
import com.box.sdkgen.managers.sharedlinksfiles.AddShareLinkToFileRequestBodySharedLinkField;
import com.box.sdkgen.managers.sharedlinksfiles.FindFileForSharedLinkHeaders;
import com.box.sdkgen.managers.sharedlinksfiles.GetSharedLinkForFileQueryParams;
import com.box.sdkgen.managers.sharedlinksfiles.RemoveSharedLinkFromFileQueryParams;
import com.box.sdkgen.managers.sharedlinksfiles.RemoveSharedLinkFromFileRequestBody;
import com.box.sdkgen.managers.sharedlinksfiles.SharedLinksFilesManager;
import com.box.sdkgen.managers.sharedlinksfiles.UpdateSharedLinkOnFileQueryParams;
import com.box.sdkgen.managers.sharedlinksfiles.UpdateSharedLinkOnFileRequestBody;
import com.box.sdkgen.managers.sharedlinksfiles.UpdateSharedLinkOnFileRequestBodySharedLinkAccessField;
import com.box.sdkgen.managers.sharedlinksfiles.UpdateSharedLinkOnFileRequestBodySharedLinkField;
import com.box.sdkgen.managers.sharedlinksfolders.AddShareLinkToFolderQueryParams;
import com.box.sdkgen.managers.sharedlinksfolders.AddShareLinkToFolderRequestBody;
import com.box.sdkgen.managers.sharedlinksfolders.AddShareLinkToFolderRequestBodySharedLinkAccessField;
import com.box.sdkgen.managers.sharedlinksfolders.AddShareLinkToFolderRequestBodySharedLinkField;
import com.box.sdkgen.managers.sharedlinksfolders.FindFolderForSharedLinkHeaders;
import com.box.sdkgen.schemas.filefull.FileFull;
import com.box.sdkgen.schemas.folderfull.FolderFull;
import java.io.InputStream;
import java.util.List;

/** Shared links on files and folders. */
final class Links {
  private static final String FIELDS = "shared_link";

  private final Box box;
  private final BoxClient client;
  private BoxClient them;

  Links(Box box) {
    this.box = box;
    this.client = box.client;
  }

  void addTo(Suite suite) {
    suite.check("shared links: of a file", this::file);
    suite.check("shared links: of a folder", this::folder);
  }

  private static FindFileForSharedLinkHeaders header(String url, String password) {
    return new FindFileForSharedLinkHeaders("shared_link=" + url + "&shared_link_password=" + password);
  }

  private void file() throws Exception {
    them = client.withAsUserHeader(newUser(box, "Java Link Stranger").getId());
    SharedLinksFilesManager links = client.getSharedLinksFiles();
    byte[] data = content(50, 5000);
    FileFull file = put(client, box.folder.getId(), "shared.bin", data);
    FileFull added =
        links.addShareLinkToFile(
            file.getId(),
            new AddShareLinkToFileRequestBody.Builder()
                .sharedLink(
                    new AddShareLinkToFileRequestBodySharedLinkField.Builder()
                        .access(AddShareLinkToFileRequestBodySharedLinkAccessField.OPEN)
                        .password("Secret123@")
                        .build())
                .build(),
            new AddShareLinkToFileQueryParams(FIELDS));
    String url = added.getSharedLink().getUrl();
    equal(
        List.of(added.getSharedLink().getAccess().getValue(), added.getSharedLink().getIsPasswordEnabled()),
        List.of("open", true),
        "the link");
    equal(
        links.getSharedLinkForFile(file.getId(), new GetSharedLinkForFileQueryParams(FIELDS)).getSharedLink().getUrl(),
        url,
        "as got");
    equal(them.getSharedLinksFiles().findFileForSharedLink(header(url, "Secret123@")).getId(), file.getId(), "found");
    refused(
        403,
        "incorrect_shared_item_password",
        () -> them.getSharedLinksFiles().findFileForSharedLink(header(url, "wrong")));
    refused(404, "not_found", () -> them.getFiles().getFileById(file.getId()));
    DownloadFileHeaders by =
        new DownloadFileHeaders.Builder().boxapi("shared_link=" + url + "&shared_link_password=Secret123@").build();
    try (InputStream in = them.getDownloads().downloadFile(file.getId(), by)) {
      sameBytes(in.readAllBytes(), data, "content by link");
    }
    FileFull updated =
        links.updateSharedLinkOnFile(
            file.getId(),
            new UpdateSharedLinkOnFileRequestBody.Builder()
                .sharedLink(
                    new UpdateSharedLinkOnFileRequestBodySharedLinkField.Builder()
                        .access(UpdateSharedLinkOnFileRequestBodySharedLinkAccessField.COLLABORATORS)
                        .build())
                .build(),
            new UpdateSharedLinkOnFileQueryParams(FIELDS));
    equal(updated.getSharedLink().getAccess().getValue(), "collaborators", "updated");
    FileFull removed =
        links.removeSharedLinkFromFile(
            file.getId(),
            new RemoveSharedLinkFromFileRequestBody.Builder().sharedLink(null).build(),
            new RemoveSharedLinkFromFileQueryParams(FIELDS));
    isTrue(removed.getSharedLink() == null, "removed");
    refused(404, "not_found", () -> them.getSharedLinksFiles().findFileForSharedLink(header(url, "Secret123@")));
  }

  private void folder() {
    FolderFull shared = mkdir(client, box.folder.getId(), "shared");
    FileFull inside = put(client, shared.getId(), "inside.bin");
    String url =
        client
            .getSharedLinksFolders()
            .addShareLinkToFolder(
                shared.getId(),
                new AddShareLinkToFolderRequestBody.Builder()
                    .sharedLink(
                        new AddShareLinkToFolderRequestBodySharedLinkField.Builder()
                            .access(AddShareLinkToFolderRequestBodySharedLinkAccessField.OPEN)
                            .build())
                    .build(),
                new AddShareLinkToFolderQueryParams(FIELDS))
            .getSharedLink()
            .getUrl();
    String by = "shared_link=" + url;
    equal(
        them.getSharedLinksFolders().findFolderForSharedLink(new FindFolderForSharedLinkHeaders(by)).getId(),
        shared.getId(),
        "found");
    equal(
        ids(
            them.getFolders()
                .getFolderItems(shared.getId(), new GetFolderItemsHeaders.Builder().boxapi(by).build())
                .getEntries()),
        List.of(inside.getId()),
        "its items");
  }
}
