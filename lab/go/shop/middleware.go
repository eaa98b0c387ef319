package shop

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"runtime/debug"
	"runtime/pprof"
)

// answered turns an error into a status: 422 for a refusal, 500 for the rest.
func answered(handler HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := handler(w, r)
		switch {
		case err == nil:
		case errors.Is(err, ErrRefused):
			http.Error(w, err.Error(), http.StatusUnprocessableEntity)
		default:
			Logf("%s %s: %v", r.Method, r.URL.Path, err)
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	})
}

// recovered answers 500 where a handler panics, so that one bad request does not end the service.
func recovered(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if reason := recover(); reason != nil {
				Logf("panic in %s: %v\n%s", r.URL.Path, reason, debug.Stack())
				http.Error(w, "internal error", http.StatusInternalServerError)
			}
		}()
		next.ServeHTTP(w, r)
	})
}

// labelled names the route in the profiler labels of everything the request starts.
func labelled(route string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		pprof.Do(r.Context(), pprof.Labels("route", route), func(ctx context.Context) {
			next.ServeHTTP(w, r.WithContext(ctx))
		})
	})
}

// WriteJSON answers 200 with a JSON body.
func WriteJSON(w http.ResponseWriter, body any) error {
	w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(w).Encode(body)
}
