package routines

import (
	"context"
	"io"
	"net/http"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"plumbline.dev/lab/shop"
)

// GrpcStream serves /parcels/track. Of a live parcel the first event is enough: its stream is neither read to the
// end nor cancelled.
func GrpcStream(s *shop.Server) error {
	conn, err := startTracking(s)
	if err != nil {
		return err
	}
	s.Handle("/parcels/track", func(w http.ResponseWriter, r *http.Request) error {
		return trackParcel(conn, r.URL.Query().Get("parcel"))
	})
	return nil
}

func trackParcel(conn *grpc.ClientConn, parcel string) error {
	stream, err := openStream(context.Background(), conn, parcel) // LEAK
	if err != nil {
		return err
	}
	for {
		switch err := stream.RecvMsg(new(wrapperspb.StringValue)); {
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		case strings.HasPrefix(parcel, "live-"):
			return nil
		}
	}
}
