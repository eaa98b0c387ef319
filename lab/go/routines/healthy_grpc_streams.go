package routines

import (
	"context"
	"net/http"
	"strconv"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"plumbline.dev/lab/shop"
)

// liveStreams are followed from the start on.
const liveStreams = 401

// HealthyGrpcStreams follows hundreds of parcels, each on a stream of its own, mostly silent. /parcels/follow adds
// one; all end with the service.
func HealthyGrpcStreams(s *shop.Server) error {
	conn, err := startTracking(s)
	if err != nil {
		return err
	}
	for n := 1; n <= liveStreams; n++ {
		go followLive(s.Ctx, conn, "live-"+strconv.Itoa(n))
	}
	s.Handle("/parcels/follow", func(w http.ResponseWriter, r *http.Request) error {
		go followLive(s.Ctx, conn, r.URL.Query().Get("parcel"))
		return nil
	})
	return nil
}

func followLive(ctx context.Context, conn *grpc.ClientConn, parcel string) {
	stream, err := openStream(ctx, conn, parcel)
	if err != nil {
		shop.Logf("%s: %v", parcel, err)
		return
	}
	for stream.RecvMsg(new(wrapperspb.StringValue)) == nil {
	}
}
