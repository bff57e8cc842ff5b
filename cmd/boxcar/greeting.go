package main

import (
	_ "embed"
	"strings"
)

//go:embed upload.sh
var uploadTemplate string

// uploadScript is upload.sh with the server's address and the place of its
// credentials filled in.
func uploadScript(url, credentials string) string {
	return strings.NewReplacer("@URL@", quoteShell(url), "@CREDENTIALS@", quoteShell(credentials)).Replace(uploadTemplate)
}

// quoteShell makes one word of s for a POSIX shell.
func quoteShell(s string) string {
	if s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./:-") == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// sdkLines show how SDKs are pointed at the server.
func sdkLines(url string) string {
	return strings.ReplaceAll(`  // Node: npm install box-node-sdk
  import { BoxClient, BoxDeveloperTokenAuth } from 'box-node-sdk';
  const client = new BoxClient({ auth: new BoxDeveloperTokenAuth({ token: process.env.BOXCAR_TOKEN }) })
    .withCustomBaseUrls({ baseUrl: '@URL@', uploadUrl: '@URL@/api', oauth2Url: '@URL@/api/oauth2' });

  # Python: pip install boxsdk
  from box_sdk_gen import BoxClient, BoxDeveloperTokenAuth, BaseUrls
  client = BoxClient(auth=BoxDeveloperTokenAuth(token=os.environ['BOXCAR_TOKEN'])).with_custom_base_urls(
      BaseUrls(base_url='@URL@', upload_url='@URL@/api', oauth_2_url='@URL@/api/oauth2'))
`, "@URL@", url)
}
