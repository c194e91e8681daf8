package main

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var groupVersion = schema.GroupVersion{Group: "gpuvm.dev", Version: "v1alpha1"}

// GpuVm has those fields of the kind that the baseline reads or writes.
type GpuVm struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              Spec   `json:"spec"`
	Status            Status `json:"status,omitempty"`
}

type Spec struct {
	AccountName string `json:"accountName,omitempty"`
	Gpu         Gpu    `json:"gpu"`
	Vcpus       int    `json:"vcpus"`
	MemoryGB    int    `json:"memoryGB"`
	StorageGB   int    `json:"storageGB"`
	// MaxHourlyPrice is kept as it is, so that an update does not take it away.
	MaxHourlyPrice string `json:"maxHourlyPrice,omitempty"`
	Ports          []Port `json:"ports,omitempty"`
}

type Gpu struct {
	Models []string `json:"models"`
	Count  int      `json:"count,omitempty"`
}

type Port struct {
	Name     string `json:"name"`
	Internal int    `json:"internal"`
}

type Status struct {
	Conditions []metav1.Condition `json:"conditions,omitempty"`
	VM         *VM                `json:"vm,omitempty"`
}

type VM struct {
	ID         string `json:"id"`
	Name       string `json:"name"`
	RecordedAt string `json:"recordedAt"`
	Applied    Size   `json:"applied"`
}

type Size struct {
	GpuModel  string `json:"gpuModel"`
	GpuCount  int    `json:"gpuCount"`
	Vcpus     int    `json:"vcpus"`
	MemoryGB  int    `json:"memoryGB"`
	StorageGB int    `json:"storageGB"`
}

func (vm *GpuVm) DeepCopyObject() runtime.Object {
	copied := *vm
	vm.ObjectMeta.DeepCopyInto(&copied.ObjectMeta)
	copied.Spec.Gpu.Models = append([]string(nil), vm.Spec.Gpu.Models...)
	copied.Spec.Ports = append([]Port(nil), vm.Spec.Ports...)
	copied.Status.Conditions = append([]metav1.Condition(nil), vm.Status.Conditions...)
	if vm.Status.VM != nil {
		its := *vm.Status.VM
		copied.Status.VM = &its
	}
	return &copied
}

// GpuVmList is what the API server answers a list with.
type GpuVmList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []GpuVm `json:"items"`
}

func (list *GpuVmList) DeepCopyObject() runtime.Object {
	copied := *list
	copied.Items = make([]GpuVm, len(list.Items))
	for i := range list.Items {
		copied.Items[i] = *list.Items[i].DeepCopyObject().(*GpuVm)
	}
	return &copied
}
