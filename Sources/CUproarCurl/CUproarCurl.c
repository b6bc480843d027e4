#include "CUproarCurl.h"

#include <curl/curl.h>
#include <string.h>

_Static_assert(UPROAR_CURL_IN == CURL_POLL_IN && UPROAR_CURL_IN == CURL_CSELECT_IN, "in");
_Static_assert(UPROAR_CURL_OUT == CURL_POLL_OUT && UPROAR_CURL_OUT == CURL_CSELECT_OUT, "out");
_Static_assert(UPROAR_CURL_REMOVE == CURL_POLL_REMOVE, "remove");
_Static_assert(UPROAR_CURL_FAILED == CURL_CSELECT_ERR, "failed");
_Static_assert(UPROAR_CURL_NO_SOCKET == CURL_SOCKET_TIMEOUT, "no socket");
_Static_assert(UPROAR_CURL_WORDS == CURL_ERROR_SIZE, "words");

int uproar_curl_start(void) { return curl_global_init(CURL_GLOBAL_ALL) != CURLE_OK; }

void *uproar_curl_multi_new(
    long kept_connections, uproar_curl_socket_wanted socket, uproar_curl_wake_wanted wake, void *context) {
    CURLM *multi = curl_multi_init();
    if (!multi) return NULL;
    curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, kept_connections);
    curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, context);
    curl_multi_setopt(multi, CURLMOPT_TIMERDATA, context);
    curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, (curl_socket_callback)socket);
    curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, (curl_multi_timer_callback)wake);
    return multi;
}

void uproar_curl_multi_free(void *multi) {
    curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, (curl_socket_callback)NULL);
    curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, (curl_multi_timer_callback)NULL);
    curl_multi_cleanup(multi);
}

void uproar_curl_add(void *multi, void *easy) { curl_multi_add_handle(multi, easy); }
void uproar_curl_remove(void *multi, void *easy) { curl_multi_remove_handle(multi, easy); }

void uproar_curl_act(void *multi, int socket, int ready) {
    int running;
    curl_multi_socket_action(multi, socket, ready, &running);
}

static enum uproar_curl_outcome outcome_of(CURLcode code) {
    switch (code) {
    case CURLE_OK: return UPROAR_CURL_WELL;
    case CURLE_COULDNT_CONNECT:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_PROXY: return UPROAR_CURL_UNREACHABLE;
    case CURLE_OPERATION_TIMEDOUT: return UPROAR_CURL_CONNECT_TIMED_OUT; // no other limit is set
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CRL_BADFILE:
    case CURLE_SSL_ENGINE_NOTFOUND:
    case CURLE_SSL_ENGINE_SETFAILED:
    case CURLE_SSL_CLIENTCERT: return UPROAR_CURL_TLS;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS: return UPROAR_CURL_UNTRUSTED;
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT:
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_BAD_CONTENT_ENCODING: return UPROAR_CURL_MALFORMED;
    default: return UPROAR_CURL_CUT;
    }
}

void *uproar_curl_over(void *multi, enum uproar_curl_outcome *outcome, const char **words) {
    int left;
    CURLMsg *message;
    while ((message = curl_multi_info_read(multi, &left)))
        if (message->msg == CURLMSG_DONE) {
            *outcome = outcome_of(message->data.result);
            *words = curl_easy_strerror(message->data.result);
            return message->easy_handle;
        }
    return NULL;
}

/// HEAD has no body to wait for; a body goes as POST's fields, under whatever name the method has.
static void set_method(CURL *easy, const struct uproar_curl_request *request) {
    if (request->body) {
        curl_easy_setopt(easy, CURLOPT_POST, 1L);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_size);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request->body);
        if (strcmp(request->method, "POST")) curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
    } else if (!strcmp(request->method, "HEAD")) {
        curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    } else if (strcmp(request->method, "GET")) {
        curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
    }
}

void *uproar_curl_easy_new(const struct uproar_curl_request *request) {
    CURL *easy = curl_easy_init();
    if (!easy) return NULL;
    struct curl_slist *lines = NULL;
    for (const char *const *line = request->header_lines; *line; line++) {
        struct curl_slist *longer = curl_slist_append(lines, *line);
        if (!longer) {
            curl_slist_free_all(lines);
            curl_easy_cleanup(easy);
            return NULL;
        }
        lines = longer;
    }
    curl_easy_setopt(easy, CURLOPT_PRIVATE, lines);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, lines);
    curl_easy_setopt(easy, CURLOPT_URL, request->url);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, request->verifies ? 1L : 0L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, request->verifies ? 2L : 0L);
    if (request->authority_file) curl_easy_setopt(easy, CURLOPT_CAINFO, request->authority_file);
    if (request->direct) curl_easy_setopt(easy, CURLOPT_PROXY, "");
    if (request->connect_milliseconds)
        curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, request->connect_milliseconds);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, request->words);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, request->header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, request->context);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, request->piece);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, request->context);
    set_method(easy, request);
    return easy;
}

void uproar_curl_easy_free(void *easy) {
    struct curl_slist *lines = NULL;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &lines);
    curl_easy_cleanup(easy);
    curl_slist_free_all(lines);
}
