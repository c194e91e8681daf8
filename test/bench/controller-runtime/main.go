// The least that deserves the name of an operator for GpuVms, on controller-runtime: what `make bench` measures ours against.
// It has none of what makes ours safe. No intent is written before a deploy call, no list is ever read, no Secret and no
// Event is written, no budget is kept, and hosts are dealt out in the order of one inventory. Never let it near the provider.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/clientcmd"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
)

const finalizer = "bench.gpuvm.dev/vm"

func main() {
	kubeconfig := flag.String("bench-kubeconfig", "", "kubeconfig")
	endpoint := flag.String("endpoint", "", "base URL of the provider's API")
	workers := flag.Int("workers", 8, "reconciles at once")
	flag.Parse()
	if err := run(*kubeconfig, *endpoint, *workers); err != nil {
		log.Fatal(err)
	}
}

func run(kubeconfig, endpoint string, workers int) error {
	ctrl.SetLogger(zap.New())
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return err
	}
	// The client's own limit would be what is measured.
	config.QPS = -1
	scheme := runtime.NewScheme()
	scheme.AddKnownTypes(groupVersion, &GpuVm{}, &GpuVmList{})
	metav1.AddToGroupVersion(scheme, groupVersion)
	manager, err := ctrl.NewManager(config, ctrl.Options{Scheme: scheme, Metrics: server.Options{BindAddress: "0"}})
	if err != nil {
		return err
	}
	provider, err := newProvider(endpoint)
	if err != nil {
		return err
	}
	err = ctrl.NewControllerManagedBy(manager).
		// Not at each write of its own: its cache would be older than what it has just done.
		For(&GpuVm{}, builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		WithOptions(controller.Options{MaxConcurrentReconciles: workers}).
		Complete(&reconciler{Client: manager.GetClient(), provider: provider})
	if err != nil {
		return err
	}
	return manager.Start(ctrl.SetupSignalHandler())
}

type reconciler struct {
	client.Client
	provider *provider
}

func (r *reconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	var vm GpuVm
	if err := r.Get(ctx, request.NamespacedName, &vm); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if !vm.DeletionTimestamp.IsZero() {
		return ctrl.Result{}, r.release(ctx, &vm)
	}
	if controllerutil.AddFinalizer(&vm, finalizer) {
		if err := r.Update(ctx, &vm); err != nil {
			return ctrl.Result{}, err
		}
	}
	if vm.Status.VM != nil {
		return ctrl.Result{}, nil
	}
	return ctrl.Result{}, r.launch(ctx, &vm)
}

func (r *reconciler) launch(ctx context.Context, vm *GpuVm) error {
	id, err := r.provider.deploy(ctx, vm)
	if err != nil {
		return err
	}
	vm.Status.VM = &VM{
		ID: id, Name: string(vm.UID), RecordedAt: time.Now().UTC().Format("2006-01-02T15:04:05.000Z"),
		Applied: Size{GpuModel: vm.Spec.Gpu.Models[0], GpuCount: 1, Vcpus: vm.Spec.Vcpus, MemoryGB: vm.Spec.MemoryGB, StorageGB: vm.Spec.StorageGB},
	}
	meta.SetStatusCondition(&vm.Status.Conditions, metav1.Condition{
		Type: "Ready", Status: metav1.ConditionTrue, Reason: "Running", Message: "Deployed.", ObservedGeneration: vm.Generation,
	})
	return r.Status().Update(ctx, vm)
}

func (r *reconciler) release(ctx context.Context, vm *GpuVm) error {
	if !controllerutil.RemoveFinalizer(vm, finalizer) {
		return nil
	}
	if vm.Status.VM != nil {
		if err := r.provider.delete(ctx, vm.Status.VM.ID); err != nil {
			return err
		}
	}
	return client.IgnoreNotFound(r.Update(ctx, vm))
}

// place is one GPU on a host, and a port to it.
type place struct {
	hostnode string
	port     int
}

type provider struct {
	endpoint string
	http     *http.Client
	mutex    sync.Mutex
	places   map[string][]place
}

func newProvider(endpoint string) (*provider, error) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 64
	p := &provider{endpoint: endpoint, http: &http.Client{Transport: transport}, places: map[string][]place{}}
	return p, p.takeInventory()
}

func (p *provider) takeInventory() error {
	answer, err := p.http.Get(p.endpoint + "/client/deploy/hostnodes")
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	var inventory struct {
		Hostnodes map[string]struct {
			Networking struct{ Ports []int }
			Specs      struct{ Gpu map[string]struct{ Amount int } }
			Status     struct{ Online, Listed bool }
		}
	}
	if err := json.NewDecoder(answer.Body).Decode(&inventory); err != nil {
		return err
	}
	for id, host := range inventory.Hostnodes {
		if !host.Status.Online || !host.Status.Listed {
			continue
		}
		for model, gpu := range host.Specs.Gpu {
			for i := 0; i < gpu.Amount && i < len(host.Networking.Ports); i++ {
				p.places[model] = append(p.places[model], place{id, host.Networking.Ports[i]})
			}
		}
	}
	return nil
}

func (p *provider) take(model string) (place, error) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	free := p.places[model]
	if len(free) == 0 {
		return place{}, fmt.Errorf("no host has a free %s", model)
	}
	p.places[model] = free[:len(free)-1]
	return free[len(free)-1], nil
}

func (p *provider) deploy(ctx context.Context, vm *GpuVm) (string, error) {
	model := vm.Spec.Gpu.Models[0]
	at, err := p.take(model)
	if err != nil {
		return "", err
	}
	answer, err := p.call(ctx, "client/deploy/single", url.Values{
		"name": {string(vm.UID)}, "password": {"Bench-Password-0"}, "operating_system": {"Ubuntu 22.04 LTS"},
		"gpu_model": {model}, "gpu_count": {"1"}, "vcpus": {strconv.Itoa(vm.Spec.Vcpus)},
		"ram": {strconv.Itoa(vm.Spec.MemoryGB)}, "storage": {strconv.Itoa(vm.Spec.StorageGB)}, "hostnode": {at.hostnode},
		"external_ports": {fmt.Sprintf("{%d}", at.port)}, "internal_ports": {"{22}"},
	})
	return answer.Server, err
}

func (p *provider) delete(ctx context.Context, id string) error {
	_, err := p.call(ctx, "client/delete/single", url.Values{"server": {id}})
	return err
}

type answer struct {
	Success bool
	Server  string
	Error   string
}

func (p *provider) call(ctx context.Context, path string, form url.Values) (answer, error) {
	form.Set("api_key", os.Getenv("TENSORDOCK_API_KEY"))
	form.Set("api_token", os.Getenv("TENSORDOCK_API_TOKEN"))
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, p.endpoint+"/"+path, strings.NewReader(form.Encode()))
	if err != nil {
		return answer{}, err
	}
	request.Header.Set("content-type", "application/x-www-form-urlencoded")
	response, err := p.http.Do(request)
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	var said answer
	if err := json.NewDecoder(response.Body).Decode(&said); err != nil {
		return answer{}, err
	}
	if !said.Success {
		return said, fmt.Errorf("%s: %s", path, said.Error)
	}
	return said, nil
}
