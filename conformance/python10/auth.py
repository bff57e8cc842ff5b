"""Every way to a token: developer token, client credentials, JWT, the OAuth
code flow through the login page, refresh, token exchange, revoke.

Beside BOXCAR_URL and BOXCAR_TOKEN it needs an application that may use every
grant (BOXCAR_CLIENT_ID, BOXCAR_CLIENT_SECRET, BOXCAR_REDIRECT_URI, the one it
has registered, and BOXCAR_APP_CONFIG, the file that boxcar app config made),
BOXCAR_ENTERPRISE_ID, and a user (BOXCAR_USER_ID, BOXCAR_LOGIN, BOXCAR_PASSWORD).
"""

import html
import re
from urllib.parse import parse_qs, urlsplit

import requests
from box_sdk_gen import (
    AccessToken,
    AddShareLinkToFolderSharedLink,
    AddShareLinkToFolderSharedLinkAccessField,
    BaseUrls,
    BoxAPIError,
    BoxCCGAuth,
    BoxClient,
    BoxDeveloperTokenAuth,
    BoxJWTAuth,
    BoxOAuth,
    BoxRetryStrategy,
    CCGConfig,
    DeveloperTokenConfig,
    GetAuthorizeUrlOptions,
    JWTConfig,
    NetworkSession,
    OAuthConfig,
    RequestAccessTokenGrantType,
)

from area import Area, ids, mkdir, null, put, read, status_of
from box import refused
from suite import check, content, env, equal, run, true

CLIENT = {'client_id': env('BOXCAR_CLIENT_ID'), 'client_secret': env('BOXCAR_CLIENT_SECRET')}
APP_CONFIG, REDIRECT_URI = env('BOXCAR_APP_CONFIG'), env('BOXCAR_REDIRECT_URI')
ENTERPRISE_ID, USER_ID = env('BOXCAR_ENTERPRISE_ID'), env('BOXCAR_USER_ID')
LOGIN, PASSWORD = env('BOXCAR_LOGIN'), env('BOXCAR_PASSWORD')

URL = env('BOXCAR_URL').rstrip('/')
URLS = BaseUrls(base_url=URL, upload_url=f'{URL}/api', oauth_2_url=f'{URL}/api/oauth2')
# For what is asked of an auth object itself: it knows no client's URLs. It does
# not repeat what was refused.
NETWORK = NetworkSession(base_urls=URLS, retry_strategy=BoxRetryStrategy(max_attempts=1))


def client(auth):
    return BoxClient(auth).with_custom_base_urls(URLS)


def by_token(token):
    return BoxClient(BoxDeveloperTokenAuth(token), network_session=NETWORK)


def ccg(**subject):
    return BoxCCGAuth(CCGConfig(**CLIENT, **subject))


def user():
    return ccg(user_id=USER_ID)


def oauth():
    return BoxOAuth(OAuthConfig(**CLIENT))


def jwt():
    return BoxJWTAuth(JWTConfig.from_config_file(APP_CONFIG))


def downscope(auth, scopes, **more):
    return auth.downscope_token(scopes, network_session=NETWORK, **more)


def oauth_refused(status, error, call, *args, **kwargs):
    """Fails unless the token endpoint answers with this error."""
    try:
        call(*args, **kwargs)
    except BoxAPIError as err:
        info = err.response_info
        equal((info.status_code, info.body.get('error')), (status, error), 'status and error')
        true(info.body.get('error_description'), 'error_description')
        return
    raise AssertionError(f'not refused; want {status} {error}')


def gone(token):
    """Fails unless the token is worth nothing."""
    try:
        by_token(token).users.get_user_me()
    except BoxAPIError as err:
        info = err.response_info
        equal((info.status_code, info.raw_body), (401, ''), 'status and body')
        return
    raise AssertionError('the token is good')


def is_token(token, refresh=False):
    true(len(token.access_token) >= 20, 'an access_token')
    equal(token.token_type.value, 'bearer', 'token_type')
    true(3500 < token.expires_in <= 4200, f'expires_in {token.expires_in}')
    equal(bool(token.refresh_token), refresh, 'a refresh_token')


def browse(url, login=LOGIN, password=PASSWORD, answer='allow'):
    """Goes through the login page as a browser would. Returns the last reply and,
    if that sends the browser on, where to and with what."""
    browser = requests.Session()
    at = url.replace('https://account.box.com', URL)

    def post(page, **fields):
        hidden = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', page.text)
        form = {name: html.unescape(value) for name, value in hidden}
        return browser.post(at.split('?')[0], data={**form, **fields}, allow_redirects=False, timeout=30)

    first = browser.get(at, timeout=30)
    equal(first.status_code, 200, 'status of the login page')
    second = post(first, login=login, password=password)
    if second.status_code != 200:
        return second, None, {}
    third = post(second, answer=answer)
    to = urlsplit(third.headers['Location'])
    return third, f'{to.scheme}://{to.netloc}{to.path}', {k: v[0] for k, v in parse_qs(to.query).items()}


def code(url):
    _, to, query = browse(url)
    equal(to, REDIRECT_URI, 'where the browser is sent')
    return query['code']


@check
def developer_token(w):
    auth = BoxDeveloperTokenAuth(w.token)
    equal(client(auth).users.get_user_me().id, w.client.users.get_user_me().id, 'me')


@check
def client_credentials_of_a_user(w):
    is_token(user().retrieve_token(network_session=NETWORK))
    me = client(user()).users.get_user_me()
    equal((me.id, me.login), (USER_ID, LOGIN), 'me')
    other = ccg(enterprise_id=ENTERPRISE_ID).with_user_subject(USER_ID)
    equal(client(other).users.get_user_me().id, USER_ID, 'with_user_subject')


@check
def client_credentials_of_the_enterprise(w):
    service = client(ccg(enterprise_id=ENTERPRISE_ID))
    me = service.users.get_user_me(fields=['id', 'name', 'enterprise'])
    equal(me.enterprise.id, ENTERPRISE_ID, 'enterprise')
    true(me.id not in (USER_ID, w.client.users.get_user_me().id), 'a service account of its own')
    w.service = me.id
    home = mkdir(service, '0', f'of the service account {w.unique}')
    equal(home.owned_by.id, w.service, 'who owns its folder')
    again = client(user().with_enterprise_subject(ENTERPRISE_ID))
    equal(again.users.get_user_me().id, w.service, 'with_enterprise_subject')
    equal(service.with_as_user_header(USER_ID).users.get_user_me().id, USER_ID, 'As-User')
    equal(status_of(client(user()).with_as_user_header(w.service).users.get_user_me), 403, 'As-User of one who may not')


@check
def client_credentials_refused(w):
    def token(auth):
        return auth.retrieve_token(network_session=NETWORK)

    wrong = BoxCCGAuth(CCGConfig(**{**CLIENT, 'client_secret': 'wrong'}, user_id=USER_ID))
    nobody = BoxCCGAuth(CCGConfig(**{**CLIENT, 'client_id': 'nobody'}, user_id=USER_ID))
    oauth_refused(401, 'invalid_client', token, wrong)
    oauth_refused(401, 'invalid_client', token, nobody)
    oauth_refused(400, 'invalid_grant', token, ccg(user_id='990017'))
    oauth_refused(400, 'invalid_grant', token, ccg(enterprise_id='990017'))


@check
def jwt_with_a_generated_configuration(w):
    config = JWTConfig.from_config_file(APP_CONFIG)
    equal((config.client_id, config.enterprise_id), (CLIENT['client_id'], ENTERPRISE_ID), 'the configuration')
    auth = BoxJWTAuth(config)
    is_token(auth.retrieve_token(network_session=NETWORK))
    equal(client(auth).users.get_user_me().id, w.service, 'the enterprise is the service account')
    equal(client(auth.with_user_subject(USER_ID)).users.get_user_me().id, USER_ID, 'a user')
    refuse = auth.with_user_subject('990017')
    oauth_refused(400, 'invalid_grant', refuse.retrieve_token, network_session=NETWORK)
    oauth_refused(
        400, 'invalid_grant', w.client.authorization.request_access_token,
        RequestAccessTokenGrantType.URN_IETF_PARAMS_OAUTH_GRANT_TYPE_JWT_BEARER, assertion='a.b.c', **CLIENT,
    )


@check
def oauth_through_the_login_page(w):
    w.oauth = oauth()
    options = GetAuthorizeUrlOptions(redirect_uri=REDIRECT_URI, state='a state & more')
    _, to, query = browse(w.oauth.get_authorize_url(options=options))
    equal((to, query['state']), (REDIRECT_URI, 'a state & more'), 'where the browser is sent')
    is_token(w.oauth.get_tokens_authorization_code_grant(query['code'], network_session=NETWORK), refresh=True)
    equal(client(w.oauth).users.get_user_me().id, USER_ID, 'me')
    oauth_refused(
        400, 'invalid_grant', oauth().get_tokens_authorization_code_grant, query['code'], network_session=NETWORK
    )


@check
def oauth_with_the_registered_redirect(w):
    auth = oauth()
    auth.get_tokens_authorization_code_grant(code(auth.get_authorize_url()), network_session=NETWORK)
    file = put(client(auth), '0', f'by oauth {w.unique}.bin', b'by oauth')
    equal(file.owned_by.id, USER_ID, 'who owns what was uploaded')


@check
def oauth_refusals(w):
    url = oauth().get_authorize_url(options=GetAuthorizeUrlOptions(redirect_uri=REDIRECT_URI, state='s'))
    page, to, _ = browse(url, password='wrong')
    equal((page.status_code, to, 'wrong' in page.text), (403, None, True), 'a wrong password')
    _, to, query = browse(url, answer='deny')
    equal((query.get('error'), query.get('state'), query.get('code')), ('access_denied', 's', None), 'a no')
    foreign = oauth().get_authorize_url(options=GetAuthorizeUrlOptions(redirect_uri='https://attacker.example/cb'))
    reply = requests.get(foreign.replace('https://account.box.com', URL), allow_redirects=False, timeout=30)
    equal((reply.status_code, reply.headers.get('Location')), (400, None), 'a redirect that is not registered')


@check
def refresh(w):
    old = w.oauth.token_storage.get()
    fresh = w.oauth.refresh_token(network_session=NETWORK)
    is_token(fresh, refresh=True)
    true(old.access_token != fresh.access_token and old.refresh_token != fresh.refresh_token, 'new tokens')
    oauth_refused(
        400, 'invalid_grant', w.client.authorization.refresh_access_token, refresh_token=old.refresh_token, **CLIENT
    )
    w.oauth.token_storage.store(AccessToken(access_token='worn out', refresh_token=fresh.refresh_token))
    equal(client(w.oauth).users.get_user_me().id, USER_ID, 'me, after the SDK refreshed by itself')
    true(w.oauth.token_storage.get().access_token not in ('worn out', fresh.access_token), 'another token')


@check
def downscoped_to_a_file(w):
    whole = client(user())
    auth = user()
    file, other = (put(whole, '0', f'{name} {w.unique}.txt') for name in ('downscoped', 'not downscoped'))
    token = downscope(auth, ['item_rename', 'item_preview'], resource=f'https://api.box.com/2.0/files/{file.id}')
    equal((token.raw_data['issued_token_type'], token.refresh_token),
          ('urn:ietf:params:oauth:token-type:access_token', None), 'the token')
    equal(sorted((r['scope'], r['object']['id']) for r in token.raw_data['restricted_to']),
          [('item_preview', file.id), ('item_rename', file.id)], 'restricted_to')
    small = by_token(token.access_token)
    equal(small.files.get_file_by_id(file.id).name, file.name, 'the file')
    equal(small.files.update_file_by_id(file.id, name=f'renamed {w.unique}.txt').name, f'renamed {w.unique}.txt', 'renamed')
    refused(403, 'insufficient_scope', small.files.delete_file_by_id, file.id)
    refused(403, 'insufficient_scope', small.downloads.download_file, file.id)
    for call, args in ((small.files.get_file_by_id, other.id), (small.folders.get_folder_items, '0')):
        true(status_of(call, args) in (403, 404), 'what it is not for is refused')
    whole.files.delete_file_by_id(file.id)


@check
def downscoped_to_a_folder(w):
    auth = user()
    folder = mkdir(client(auth), '0', f'downscoped folder {w.unique}')
    inner = mkdir(client(auth), folder.id, 'inner')
    data = content('scoped', 300)
    deep = put(client(auth), inner.id, 'deep.txt', data)
    token = downscope(auth, ['base_upload', 'item_download'], resource=f'{URL}/2.0/folders/{folder.id}')
    small = by_token(token.access_token)
    equal(read(small, deep.id), data, 'content of what is in it')
    equal(put(small, inner.id, 'uploaded by less.txt').owned_by.id, USER_ID, 'who owns what was uploaded')
    refused(403, 'insufficient_scope', small.files.delete_file_by_id, deep.id)
    refused(403, 'insufficient_scope', small.folders.update_folder_by_id, folder.id, name='x')
    true(status_of(put, small, '0', 'elsewhere.txt') in (403, 404), 'an upload elsewhere is refused')


@check
def downscoped_to_reading(w):
    file = put(w.client, w.folder.id, 'read only.txt')
    auth = BoxDeveloperTokenAuth(w.token, config=DeveloperTokenConfig(**CLIENT))
    small = by_token(downscope(auth, ['root_readonly']).access_token)
    true(file.id in ids(small.folders.get_folder_items(w.folder.id)), 'the listing')
    equal(read(small, file.id), content('read only.txt', 1000), 'content')
    refused(403, 'insufficient_scope', put, small, w.folder.id, 'no.txt')
    refused(403, 'insufficient_scope', small.files.update_file_by_id, file.id, name='no.txt')
    refused(403, 'insufficient_scope', small.folders.delete_folder_by_id, w.folder.id, recursive=True)


@check
def downscoped_through_a_shared_link(w):
    folder = mkdir(w.client, w.folder.id, 'linked')
    data = content('linked', 70)
    file = put(w.client, folder.id, 'linked.txt', data)
    links = w.client.shared_links_folders
    link = links.add_share_link_to_folder(
        folder.id, 'shared_link',
        shared_link=AddShareLinkToFolderSharedLink(access=AddShareLinkToFolderSharedLinkAccessField.OPEN),
    ).shared_link
    small = by_token(downscope(user(), ['item_download', 'base_explorer'], shared_link=link.url).access_token)
    equal(read(small, file.id), data, 'content')
    refused(403, 'insufficient_scope', small.files.delete_file_by_id, file.id)
    links.remove_shared_link_from_folder(folder.id, 'shared_link', shared_link=null)
    true(status_of(small.downloads.download_file, file.id) in (401, 403, 404), 'nothing once the link is gone')


@check
def downscope_refused(w):
    oauth_refused(400, 'invalid_scope', downscope, user(), ['no_such_scope'])
    mine = put(w.client, w.folder.id, "not the user's.txt")
    equal(status_of(downscope, user(), ['item_download'], resource=f'{URL}/2.0/files/{mine.id}'), 400, 'a file of others')
    less = BoxDeveloperTokenAuth(downscope(user(), ['root_readonly']).access_token)

    def wider():
        put(by_token(downscope(less, ['root_readwrite']).access_token), '0', 'wider.txt')

    true(status_of(wider) in (400, 403), 'a token cannot be made wider again')


@check
def revoke(w):
    for auth in (user(), jwt()):
        first = auth.retrieve_token(network_session=NETWORK).access_token
        true(by_token(first).users.get_user_me().id, 'a good token')
        auth.revoke_token(network_session=NETWORK)
        gone(first)
        true(auth.retrieve_token(network_session=NETWORK).access_token != first, 'another token')
    held = w.oauth.token_storage.get()
    w.oauth.revoke_token(network_session=NETWORK)
    gone(held.access_token)
    oauth_refused(
        400, 'invalid_grant', w.client.authorization.refresh_access_token, refresh_token=held.refresh_token, **CLIENT
    )
    w.client.authorization.revoke_access_token(token='never was one', **CLIENT)


@check
def a_downscoped_token_ends_with_its_parent(w):
    auth = user()
    less = downscope(auth, ['root_readonly']).access_token
    equal(by_token(less).folders.get_folder_by_id('0').id, '0', 'the root')
    auth.revoke_token(network_session=NETWORK)
    gone(less)


if __name__ == '__main__':
    run(Area())
